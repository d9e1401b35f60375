"""An image whose value at a point depends on all points that are decoded with it: linear attention over the queries.

Linear attention sees the other points through sums over them, layer by layer. So an output of any size can be decoded in chunks
all the same, exactly: a pass over its points for each layer's sums, and a last one for the colors. Points' features are kept
from pass to pass where there is room for them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.decoders.implicit_image import CHUNK, centres_in_chunks
from splatsr.geometry import Scale, Strip, resolve_output

KEPT = 2**28
"""Numbers of points' features that are kept from one pass to the next, 1 GiB; of larger outputs they are made anew in each."""


@runtime_checkable
class AttendingDecoder(Protocol):
    """What an `AttendedImage` is decoded by. Features are of points before or behind some layers of attention."""

    layers: int
    """Of attention."""

    width: int
    """Channels of a point's features."""

    def features(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q c"]:
        """Of the points, before the first layer."""
        ...

    def sums(self, features: Float[Tensor, "b q c"], layer: int) -> Float[Tensor, "b ..."]:
        """What the layer sums up over points that are before it."""
        ...

    def attended(self, features: Float[Tensor, "b q c"], layer: int, mean: Float[Tensor, "b ..."]) -> Float[Tensor, "b q c"]:
        """Features behind the layer; `mean` is that of its sums over all points of every image."""
        ...

    def colors(self, features: Float[Tensor, "b q c"], coordinates: Float[Tensor, "b q yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """RGB, from features behind the last layer."""
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
        means, kept = self._passes(lambda: chunks, cell, count)
        return self._colors(chunks, cell, means, kept)

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

        kept = None
        if size not in self._known:
            self._known.clear()  # of one size at a time: strips of an output come one after the other
            self._known[size], kept = self._passes(lambda: points(0, size[0]), cell, size[0] * size[1])
        colors = self._colors(points(*rows), cell, self._known[size], kept if rows == (0, size[0]) else None)
        return colors.transpose(1, 2).reshape(batch, 3, rows[1] - rows[0], size[1])

    def _passes(
        self, points: Callable[[], Iterable[Tensor]], cell: Tensor, count: int
    ) -> tuple[list[Tensor], list[Tensor] | None]:
        """(means of all layers, features of all points behind the last one where they are few enough to be kept)."""
        means: list[Tensor] = []
        kept: list[Tensor] | None = None
        if torch.is_grad_enabled() or count * len(self.lr) * self.decoder.width <= KEPT:
            kept = [self.decoder.features(chunk, cell) for chunk in points()]
        for layer in range(self.decoder.layers):
            features = kept if kept is not None else (self._behind(chunk, cell, means) for chunk in points())
            means.append(torch.stack([self.decoder.sums(one, layer) for one in features]).sum(0) / count)
            if kept is not None:  # one after the other in its place: there is room for them once
                for index, one in enumerate(kept):
                    kept[index] = self.decoder.attended(one, layer, means[-1])
        return means, kept

    def _behind(self, chunk: Tensor, cell: Tensor, means: Sequence[Tensor]) -> Float[Tensor, "b q c"]:
        """Features of points behind as many layers as there are means."""
        features = self.decoder.features(chunk, cell)
        for layer, mean in enumerate(means):
            features = self.decoder.attended(features, layer, mean)
        return features

    def _colors(
        self, chunks: Iterable[Tensor], cell: Tensor, means: Sequence[Tensor], kept: Sequence[Tensor] | None
    ) -> Float[Tensor, "b q rgb=3"]:
        made = (
            self.decoder.colors(self._behind(chunk, cell, means) if kept is None else kept[index], chunk)
            for index, chunk in enumerate(chunks)
        )
        return torch.cat([one.to(self.lr.dtype) for one in made], dim=1)

    def _chunk(self) -> int:
        """Points per image."""
        return max(1, CHUNK[self.lr.device.type] // len(self.lr))
