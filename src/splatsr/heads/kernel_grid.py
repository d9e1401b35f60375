"""How many kernels an LR pixel has along either axis, and whether the encoder's grid and the other parts allow it."""

import math


def kernels_per_side(kernels_per_pixel: int, *, upscale: int, merges: bool) -> int:
    """The root of `kernels_per_pixel`.

    Args:
        kernels_per_pixel: 1, 4 or 9.
        upscale: cells of the encoder's grid per LR pixel and axis.
        merges: whether some LR pixels are to be left with one kernel.

    Raises:
        ValueError: it is no square number, the grid cannot be divided by its root, or there is nothing to merge.
    """
    per_side = math.isqrt(max(kernels_per_pixel, 0))
    if per_side**2 != kernels_per_pixel or kernels_per_pixel < 1:
        raise ValueError(f"kernels_per_pixel must be a square number (1, 4, 9), got {kernels_per_pixel}.")
    if upscale % per_side:
        raise ValueError(
            f"{kernels_per_pixel} kernels per pixel need an encoder grid that is a multiple of {per_side} per LR pixel; the "
            f"encoder's upscale is {upscale}."
        )
    if merges and per_side == 1:
        raise ValueError("flat_pixels needs several kernels per pixel, of which it leaves one; kernels_per_pixel is 1.")
    return per_side
