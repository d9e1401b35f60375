"""Local ensemble (LIIF, section 3.2): a point's RGB is a weighted mean of what four LR pixels around it give."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splatsr.geometry import nearest_pixel

NUDGE = 1e-6
"""Added to every coordinate before a pixel is looked up, in units of [-1, 1]: a point on the border of two LR pixels then
belongs to the lower or right one, whatever rounding makes of it. Part of the family's definition."""

_AREA = 1e-9
"""Keeps the areas' sum from being 0 where a point falls on a pixel's centre."""

_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def half_pixel(size: tuple[int, int]) -> tuple[float, float]:
    """(vertical, horizontal) half LR pixels in units of [-1, 1]: LIIF's shift."""
    return 1 / size[0], 1 / size[1]


def aligned_step(margin: Float[Tensor, "b yx=2"], size: tuple[int, int]) -> Float[Tensor, "b 1 1 yx=2"]:
    """The shift of ITSRN and CiaoSR to their four pixels: (1 - margin) / (h - 1), near LIIF's 1 / h, as published.

    The margin is an output pixel's half (ITSRN: 1 / H) or whole (CiaoSR: 2 / H) size. With the half, the shift is half a step
    of the LR grid if the outermost pixels' centres of output and LR image coincided. Along an axis of a single LR pixel, where
    the published codes divide by zero, any shift ends at that pixel.
    """
    steps = (margin.new_tensor(size) - 1).clamp(min=1)
    return ((1 - margin) / steps)[:, None, None]


def four_pixels(
    coordinates: Float[Tensor, "b q yx=2"], size: tuple[int, int], shift: tuple[float, float] | Float[Tensor, "b 1 1 yx=2"]
) -> Int64[Tensor, "b corners=4 q row_column=2"]:
    """The LR pixels that a point lies in when it is shifted to the upper left, upper right, lower left and lower right.

    `shift` is (vertical, horizontal), in units of [-1, 1]. Beyond the image's border the pixel at the border is taken, and so
    appears twice.
    """
    corners = coordinates.new_tensor(_CORNERS)[:, None, :]
    shifts = shift if isinstance(shift, Tensor) else coordinates.new_tensor(shift)
    return nearest_pixel(coordinates[:, None] + corners * shifts + NUDGE, size)


def sixteen_pixels(
    coordinates: Float[Tensor, "b q yx=2"], size: tuple[int, int]
) -> Int64[Tensor, "b pixels=16 q row_column=2"]:
    """LMI's: the 4x4 LR pixels around a point, row by row: those that it lies in when it is shifted by -3, -1, 1 and 3 half
    pixels. Beyond the image's border the pixel at the border is taken.
    """
    steps = torch.cartesian_prod(*[torch.tensor([-3, -1, 1, 3], device=coordinates.device)] * 2)
    shifts = steps[:, None] * coordinates.new_tensor(half_pixel(size))
    return nearest_pixel(coordinates[:, None] + shifts + NUDGE, size)


def opposite_areas(offsets: Float[Tensor, "b pixels q yx=2"]) -> Float[Tensor, "b pixels q 1"]:
    """LIIF's weights (equation 4): the area between the point and the centre of the diagonally opposite pixel, normalised.

    Offsets from the centres of four pixels, or LMI's sixteen, in reading order and any one unit. The sum is that of all areas
    at the border too, where pixels coincide and the areas no longer make a square.
    """
    areas = offsets.prod(-1, keepdim=True).abs() + _AREA
    return areas.flip(1) / areas.sum(1, keepdim=True)
