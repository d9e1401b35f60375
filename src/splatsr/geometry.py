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
        lr_size: (h, w) of the whole LR image; of a window of it, which has fractions.
        rows: [top, bottom) in output pixels.
        origin: the row of the whole LR image at which the image that renders begins; negative where it begins in a margin, or
            above a window.
        left: the column, likewise.
    """

    output: Output
    lr_size: tuple[Number, Number]
    rows: tuple[int, int]
    origin: Number
    left: Number = 0

    @property
    def ratio(self) -> tuple[float, float]:
        """(H / h, W / w): output pixels per LR pixel."""
        return (self.output.size[0] / self.lr_size[0], self.output.size[1] / self.lr_size[1])


def resolve_output(
    lr_size: tuple[Number, Number],
    *,
    size: Any = None,
    scale: Any = None,
    fit: Any = None,
) -> Output:
    """Output size (Sequence[int | None]) and scale (Scale) from whichever of the three is given; anything else is refused.

    With `scale`, H = round(h s_y), ties to even (ContinuousSR's published rule); positions then follow the true ratio
    H / h and covariances the nominal scale. With `size`, both follow H / h; a side of None follows the other one in the
    proportions of the LR image. `fit` is a (height, width) that the output is the largest within, in those proportions.

    Raises:
        InputError: none or several are given, or the value is not a positive size or scale.
    """
    if [size, scale, fit].count(None) != 2:
        raise InputError(f"give either size or scale or fit; got size={size}, scale={scale}, fit={fit}.")
    if scale is not None:
        factors = check_scale(scale)
        height, width = (round(side * factor) for side, factor in zip(lr_size, factors, strict=True))
        if min(height, width) < 1:
            raise InputError(f"scale {scale} makes a {lr_size[0]}x{lr_size[1]} image smaller than one pixel.")
        return Output((height, width), factors)
    height, width = _whole_size(lr_size, size) if fit is None else _size_within(lr_size, fit)
    return Output((height, width), (height / lr_size[0], width / lr_size[1]))


def _whole_size(lr_size: tuple[Number, Number], size: Any) -> tuple[int, int]:
    """(height, width) of a `size` of which one side may be None."""
    given = [side for side in size if side is not None] if isinstance(size, Sequence) else []
    if len(given) == 1 and len(size) == 2:
        factor = _sides([given[0]] * 2, "size")[0] / lr_size[0 if size[1] is None else 1]
        height, width = (max(round(side * factor), 1) for side in lr_size)
        return (given[0], width) if size[1] is None else (height, given[0])
    return _sides(size, "size")


def distorted(lr_size: tuple[Number, Number], output: Output) -> str | None:
    """In words how an output changes the proportions of the image; None where rounding to whole pixels explains them."""
    (h, w), (height, width) = lr_size, output.size
    if abs(height - h * width / w) <= 1 or abs(width - w * height / h) <= 1:
        return None
    return (
        f"{w:g}x{h:g} becomes {width}x{height}, x{width / w:.3g} as wide and x{height / h:.3g} as high: that distorts it; to "
        f"keep its proportions ask for the width or the height alone, or for what fits into {width}x{height}."
    )


def _size_within(lr_size: tuple[Number, Number], fit: Any) -> tuple[int, int]:
    """The largest (height, width) within `fit` in the proportions of `lr_size`."""
    box = _sides(fit, "fit")
    factor = min(most / side for most, side in zip(box, lr_size, strict=True))
    height, width = (min(max(round(side * factor), 1), most) for side, most in zip(lr_size, box, strict=True))
    return height, width


def _sides(values: Any, name: str) -> tuple[int, int]:
    height, width = _pair(values, name, "[height, width] in pixels")
    if any(side != int(side) or side < 1 for side in (height, width)):
        raise InputError(f"{name} must be [height, width], whole numbers of at least 1 pixel; got {values}.")
    return int(height), int(width)


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
