"""An image whose value at a point depends on all points that are decoded with it: linear attention over the queries.

Linear attention sees the other points through sums over them, layer by layer. So an output of any size can be decoded in chunks
all the same, exactly: a pass over its points for each layer's sums, and a last one for the colors.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.decoders.implicit_image import CHUNK, centres_in_chunks
from splatsr.geometry import Scale, Strip, resolve_output


@runtime_checkable
class AttendingDecoder(Protocol):
    """What an `AttendedImage` is decoded by. Means of earlier layers are those over all points of every image."""

    layers: int
    """Of attention."""

    def sums(
        self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"], means: Sequence[Tensor]
    ) -> Float[Tensor, "b ..."]:
        """What the next layer, the one behind `means`, sums up over these points."""
        ...

    def colors(
        self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"], means: Sequence[Tensor]
    ) -> Float[Tensor, "b q rgb=3"]:
        """RGB at the points, from the means of all layers."""
        ...


@dataclass(frozen=True, eq=False)
class AttendedImage:
    """A `StripImage` and `QueryableImage` where no point can be decoded alone: other points asked for with it change its color,
    and an output pixel's color depends on the output's size.

    Attributes:
        lr: the LR batch, for its size, device and type.
        decoder: of this batch.
    """

    lr: Float[Tensor, "b 3 h w"]
    decoder: AttendingDecoder
    _known: dict[tuple[int, int], list[Tensor]] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def query(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """RGB, unclamped, at points of [-1, 1]^2, all of which attend to each other; see `QueryableImage`."""
        count = coordinates.shape[1]
        chunks = coordinates.split(count if torch.is_grad_enabled() else self._chunk(), dim=1)  # a training's are few
        means = self._means(lambda: chunks, cell, count)
        return torch.cat([self.decoder.colors(chunk, cell, means) for chunk in chunks], dim=1).to(self.lr.dtype)

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self.render_strip(Strip(output, self.size, (0, output.size[0]), origin=0))

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them: all pixels of the output have a part in them."""
        batch, size, rows = len(self.lr), strip.output.size, strip.rows
        cell = self.lr.new_tensor([2 / size[0], 2 / size[1]]).expand(batch, 2)

        def points(first: int, end: int) -> Iterable[Tensor]:
            return (chunk.expand(batch, -1, -1) for chunk in centres_in_chunks(size, (first, end), self._chunk(), self.lr))

        if size not in self._known:
            self._known.clear()  # of one size at a time: strips of an output come one after the other
            self._known[size] = self._means(lambda: points(0, size[0]), cell, size[0] * size[1])
        means = self._known[size]
        chunks = [self.decoder.colors(chunk, cell, means).to(self.lr.dtype) for chunk in points(*rows)]
        return torch.cat(chunks, dim=1).transpose(1, 2).reshape(batch, 3, rows[1] - rows[0], size[1])

    def _means(self, chunks: Callable[[], Iterable[Tensor]], cell: Tensor, count: int) -> list[Tensor]:
        means: list[Tensor] = []
        for _ in range(self.decoder.layers):
            parts = [self.decoder.sums(chunk, cell, means) for chunk in chunks()]
            means.append(torch.stack(parts).sum(0) / count)
        return means

    def _chunk(self) -> int:
        """Points per image."""
        return max(1, CHUNK[self.lr.device.type] // len(self.lr))
