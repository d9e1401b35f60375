"""GSASR's tiles for large images, as published: each is an image of its own, and overwrites a part of those before it.

A tile's raster window is a share of the tile, not of the image, and nothing is blended: by its authors' word tiles cost
fidelity.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Natural, Side
from splatsr.decoders.repredicted_image import RepredictedImage
from splatsr.encoders.reflect import reflect_to
from splatsr.geometry import Output, Scale, Strip, resolve_output


class OverlappingTiles(nn.Module):
    """How an image is cut.

    Args:
        split: side of a tile in LR pixels (published: 480; 48 in validations).
        overlap: LR pixels that a tile shares with the one before it (published: 8).
        skipped: output pixels at a tile's upper and left side in which the tile before it stays (published: 4); at most
            those that both have.
    """

    def __init__(self, *, split: Side, overlap: Natural, skipped: Natural) -> None:
        super().__init__()
        if overlap >= split:
            raise ValueError(f"overlap must be less than split, got {overlap} and {split}.")
        self.split, self.overlap, self.skipped = split, overlap, skipped

    def forward(
        self, lr: Float[Tensor, "b 3 h w"], encode: Callable[[Tensor], RepredictedImage]
    ) -> "TiledImage | RepredictedImage":
        """The image in tiles; `encode` makes that of a tile. One that fits into a tile is not cut, and not filled up to it."""
        return TiledImage(lr, encode, self) if max(lr.shape[-2:]) > self.split else encode(lr)

    def steps(self, scale: float) -> tuple[int, int]:
        """Along one axis, in output pixels: a tile, and from the beginning of one to that of the next."""
        tile = math.ceil(self.split * scale)
        return tile, max(tile - math.ceil(self.overlap * scale), 1)

    def first_pixels(self, side: int, scale: float, length: int) -> tuple[int, list[int]]:
        """Along one axis, of an LR side and an output's length: a tile's pixels, and where in the output each of them begins.

        A tile is ceil(split * scale) pixels, of which ceil(overlap * scale) are shared, as published: where the scale is no
        whole number, tiles drift. There are as many as cover the LR side and the output.
        """
        tile, step = self.steps(scale)
        of_lr, of_output = (side - self.overlap) / (self.split - self.overlap), (length - tile) / step + 1
        return tile, [step * index for index in range(max(1, math.ceil(of_lr), math.ceil(of_output)))]


@dataclass(frozen=True, eq=False)
class TiledImage:
    """A `ContinuousImage` of which nothing is kept but the LR image: tiles are encoded and drawn one after the other.

    Attributes:
        lr: the LR batch.
        encode: the image of a tile of it.
        tiles: how it is cut.
    """

    lr: Float[Tensor, "b 3 h w"]
    encode: Callable[[Tensor], RepredictedImage]
    tiles: OverlappingTiles

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped."""
        output = resolve_output(self.size, size=size, scale=scale)
        image = self.lr.new_zeros(len(self.lr), 3, *output.size)
        shared = [tile - step for tile, step in map(self.tiles.steps, output.scale)]
        for (top, left), part in self._drawn(output):
            skip_y, skip_x = (
                min(self.tiles.skipped, both) if first else 0 for first, both in zip((top, left), shared, strict=True)
            )
            target = image[..., top + skip_y :, left + skip_x :]
            part = part[..., skip_y : skip_y + target.shape[-2], skip_x : skip_x + target.shape[-1]]
            target[..., : part.shape[-2], : part.shape[-1]] = part
        return image

    def _drawn(self, output: Output) -> Iterator[tuple[tuple[int, int], Tensor]]:
        """Where each tile begins in the output, and the whole tile, row by row."""
        axes = [self.tiles.first_pixels(*of_axis) for of_axis in zip(self.size, output.scale, output.size, strict=True)]
        step, split = self.tiles.split - self.tiles.overlap, self.tiles.split
        rows, columns = (len(firsts) for _, firsts in axes)
        padded = reflect_to(self.lr, (rows * step + self.tiles.overlap, columns * step + self.tiles.overlap))
        wanted = Output((axes[0][0], axes[1][0]), output.scale)
        for row, column in product(range(rows), range(columns)):
            tile = padded[..., row * step : row * step + split, column * step : column * step + split]
            drawn = replace(self.encode(tile), rounded=math.ceil).render_strip(
                Strip(wanted, (split, split), (0, wanted.size[0]), origin=0)
            )
            yield (axes[0][1][row], axes[1][1][column]), drawn
