"""An image that is a function of the point: encoded once, decoded at any point."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale, Strip, pixel_centres, resolve_output

CHUNK = {"cpu": 4096, "cuda": 65536, "mps": 65536}
"""Points that are decoded at a time, whatever the image. LIIF, with 4 x 256 values per point and layer, then needs about
50 MB on a CPU, no tensor of it more than 17 MB: above 32 MB the C library gives memory back to the system after every layer,
and half of the time goes into getting it again."""


@dataclass(frozen=True, eq=False)
class ImplicitImage:
    """A `QueryableImage` of which every point can be decoded alone, so that it renders in chunks, in bounded memory.

    Attributes:
        lr: the LR batch, for its size, device and type.
        decode: RGB (B, Q, 3) at `coordinates` (B, Q, yx) for a `cell` (B, yx), as in `QueryableImage.query`.
        cost: as many of LIIF's points take the memory that one of these does; chunks are smaller by it.
    """

    lr: Float[Tensor, "b 3 h w"]
    decode: Callable[[Tensor, Tensor], Tensor]
    cost: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def query(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """RGB, unclamped, at points of [-1, 1]^2; see `QueryableImage`."""
        chunks = coordinates.split(self._chunk(), dim=1)
        return torch.cat([self.decode(chunk, cell) for chunk in chunks], dim=1).to(self.lr.dtype)

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped. Scales are those of the output's true size, H / h, as in the family's published code."""
        height, width = resolve_output(self.size, size=size, scale=scale).size
        return self._rows((height, width), (0, height))

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        return self._rows(strip.output.size, strip.rows)

    def _rows(self, size: tuple[int, int], rows: tuple[int, int]) -> Float[Tensor, "b 3 rows width"]:
        batch, (height, width) = len(self.lr), size
        cell = self.lr.new_tensor([2 / height, 2 / width]).expand(batch, 2)
        chunks = [
            self.query(centres.expand(batch, -1, -1), cell) for centres in centres_in_chunks(size, rows, self._chunk(), self.lr)
        ]
        return torch.cat(chunks, dim=1).transpose(1, 2).reshape(batch, 3, rows[1] - rows[0], width)

    def _chunk(self) -> int:
        """Points per image."""
        return max(1, CHUNK[self.lr.device.type] // (self.cost * len(self.lr)))


def centres_in_chunks(
    size: tuple[int, int], rows: tuple[int, int], count: int, like: Tensor
) -> Iterator[Float[Tensor, "1 q yx=2"]]:
    """Centres of an output's pixels in rows [top, bottom), at most `count` at a time; device and type are those of `like`."""
    width = size[1]
    for first in range(rows[0] * width, rows[1] * width, count):
        index = torch.arange(first, min(first + count, rows[1] * width), device=like.device)  # row by row
        pixels = torch.stack([index // width, index % width], dim=-1)
        yield pixel_centres(pixels, size).to(like.dtype)[None]
