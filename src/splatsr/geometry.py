"""Where pixels are, and how large an output is: written once, called by every method.

An image of height h and width w covers the rectangle [0, w] x [0, h]; its pixel k covers [k, k + 1], so pixel centres are
at k + 0.5. Positions are (x, y), sizes and scales (vertical, horizontal). A position in low-resolution pixels times
(W / w, H / h) is the position in output pixels: the corners of both images coincide.

The implicit methods write points as their papers do: (vertical, horizontal), the image being the square [-1, 1]^2.
`pixel_centres`, `nearest_pixel` and `offset_from` are all that they need to know of it.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splatsr.errors import InputError

Number = int | float
Scale = Number | Sequence[Number]
"""A scale factor for both axes, or (vertical, horizontal)."""


class Output(NamedTuple):
    """A wanted output: `size` (H, W) in output pixels and the nominal `scale` (vertical, horizontal)."""

    size: tuple[int, int]
    scale: tuple[float, float]


class Strip(NamedTuple):
    """Rows of an output, all its columns wide, for an image that may hold only some rows of the LR image, or more than it.

    Attributes:
        output: the whole output.
        lr_size: (h, w) of the whole LR image.
        rows: [top, bottom) in output pixels.
        origin: the row of the whole LR image at which the image that renders begins; negative where it begins in a margin.
        left: the column, likewise.
    """

    output: Output
    lr_size: tuple[int, int]
    rows: tuple[int, int]
    origin: int
    left: int = 0

    @property
    def ratio(self) -> tuple[float, float]:
        """(H / h, W / w): output pixels per LR pixel."""
        return (self.output.size[0] / self.lr_size[0], self.output.size[1] / self.lr_size[1])


def resolve_output(
    lr_size: tuple[int, int],
    *,
    size: Any = None,
    scale: Any = None,
) -> Output:
    """Output size (Sequence[int]) and scale (Scale) from whichever of the two is given; anything else is refused.

    With `scale`, H = round(h s_y), ties to even (ContinuousSR's published rule); positions then follow the true ratio
    H / h and covariances the nominal scale. With `size`, both follow H / h.

    Raises:
        InputError: none or both are given, or the value is not a positive size or scale.
    """
    if (size is None) == (scale is None):
        raise InputError(f"give either size or scale; got size={size} and scale={scale}.")
    if size is not None:
        pair = _pair(size, "size", "[height, width] in pixels")
        if any(side != int(side) or side < 1 for side in pair):
            raise InputError(f"size must be [height, width], whole numbers of at least 1 pixel; got {size}.")
        height, width = (int(side) for side in pair)
        return Output((height, width), (height / lr_size[0], width / lr_size[1]))
    factors = check_scale(scale)
    height, width = (round(side * factor) for side, factor in zip(lr_size, factors, strict=True))
    if min(height, width) < 1:
        raise InputError(f"scale {scale} makes a {lr_size[0]}x{lr_size[1]} image smaller than one pixel.")
    return Output((height, width), factors)


def check_scale(scale: Any) -> tuple[float, float]:
    """(vertical, horizontal) scale factors from a number or a pair; InputError unless both are finite and > 0."""
    factors = _pair(scale if isinstance(scale, Sequence) else [scale, scale], "scale", "a number or [vertical, horizontal]")
    if any(not math.isfinite(factor) or factor <= 0 for factor in factors):
        raise InputError(f"scale must be greater than 0, a number such as 3.7 or [vertical, horizontal]; got {scale}.")
    return factors


def _pair(values: Any, name: str, expected: str) -> tuple[float, float]:
    are_numbers = isinstance(values, Sequence) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )
    if not are_numbers or len(values) != 2:
        given = values[0] if isinstance(values, list) and len(values) == 2 and values[0] == values[1] else values
        raise InputError(f"{name} must be {expected}; got {given!r}.")
    return float(values[0]), float(values[1])


def cell_corners(height: int, width: int, per_side: int) -> Float[Tensor, "n xy=2"]:
    """Top-left corners, in pixels, of the per_side x per_side cells of every pixel, row by row of the cell grid."""
    y = torch.arange(height * per_side) / per_side
    x = torch.arange(width * per_side) / per_side
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)


def pixel_centres(pixels: Int64[Tensor, "*n row_column=2"], size: tuple[int, int]) -> Float[Tensor, "*n yx=2"]:
    """Centres of pixels of an image of `size`, in [-1, 1]^2: -1 + (2 k + 1) / n.

    float32 in the LIIF family's order of operations, so that what lies on the border of two pixels falls as it does there.
    """
    sides = torch.tensor(size, dtype=torch.float64, device=pixels.device)
    return (1 / sides - 1).float() + (2 / sides).float() * pixels


def nearest_pixel(coordinates: Float[Tensor, "*n yx=2"], size: tuple[int, int]) -> Int64[Tensor, "*n row_column=2"]:
    """The pixel that each point of [-1, 1]^2 lies in; points outside belong to the border's pixels.

    On the border of two pixels the even one is taken, as grid_sample's nearest mode does.
    """
    sides = coordinates.new_tensor(size)
    pixels = (((coordinates + 1) * sides - 1) / 2).round().long()
    return torch.minimum(pixels.clamp(min=0), pixels.new_tensor(size) - 1)


def offset_from(
    pixels: Int64[Tensor, "*m row_column=2"], coordinates: Float[Tensor, "*n yx=2"], size: tuple[int, int]
) -> Float[Tensor, "*m yx=2"]:
    """From a pixel's centre to the point, in half pixels: -1 at its upper or left side, 1 at its lower or right side."""
    return (coordinates - pixel_centres(pixels, size)) * coordinates.new_tensor(size)
