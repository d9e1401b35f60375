"""An image that is a function of the point: encoded once, decoded wherever it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale, Strip, pixel_centres, resolve_output

CHUNK = 16384
"""Points that are decoded at a time while rendering, whatever the image: LIIF, with 4 x 256 numbers per point and layer, then
needs about 200 MB."""


@dataclass(frozen=True, eq=False)
class ImplicitImage:
    """A `QueryableImage` whose every point depends on itself alone, so that it renders in chunks, in bounded memory.

    Args:
        lr: the LR batch, for its size and place.
        decode: RGB (B, Q, 3) at `coordinates` (B, Q, 2) for a `cell` (B, 2), as in `QueryableImage.query`.
    """

    lr: Float[Tensor, "b 3 h w"]
    decode: Callable[[Tensor, Tensor], Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def query(self, coordinates: Float[Tensor, "b q 2"], cell: Float[Tensor, "b 2"]) -> Float[Tensor, "b q 3"]:
        """RGB, unclamped, at points of [-1, 1]^2, all at once; see `QueryableImage`."""
        return self.decode(coordinates, cell).to(self.lr.dtype)

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped. Scales are those of the output's true size, H / h, as in the family's published code."""
        whole = resolve_output(self.size, size=size, scale=scale).size
        return self._rows((0, whole[0]), whole)

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows alone, of an image that holds all rows of the LR image."""
        return self._rows(strip.rows, strip.output.size)

    def _rows(self, rows: tuple[int, int], size: tuple[int, int]) -> Float[Tensor, "b 3 rows width"]:
        batch, (height, width) = len(self.lr), size
        cell = self.lr.new_tensor([2 / height, 2 / width]).expand(batch, 2)
        chunks = [
            self.query(centres.expand(batch, -1, -1), cell)
            for centres in centres_in_chunks(rows, size, max(1, CHUNK // batch), self.lr)
        ]
        return torch.cat(chunks, dim=1).transpose(1, 2).reshape(batch, 3, rows[1] - rows[0], width)


def centres_in_chunks(
    rows: tuple[int, int], size: tuple[int, int], count: int, like: Tensor
) -> Iterator[Float[Tensor, "1 q 2"]]:
    """Pixel centres of rows [top, bottom) of an output of `size`, row by row, at most `count` at a time.

    Device and type are those of `like`.
    """
    (top, bottom), width = rows, size[1]
    for first in range(top * width, bottom * width, count):
        numbers = torch.arange(first, min(first + count, bottom * width), device=like.device)
        pixels = torch.stack([numbers // width, numbers % width], dim=-1)
        yield pixel_centres(pixels, size).to(like.dtype)[None]
