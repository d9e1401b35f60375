"""MATLAB's bicubic imresize with antialiasing: the rule behind the LR files that come with test sets and DIV2K.

Per axis, n pixels to m, f = m / n, counting from 1: output x looks at u = x / f + (1 - 1 / f) / 2, its taps are the
ceil(4 / min(f, 1)) + 2 pixels from floor(u - 2 / min(f, 1)) on, weighted by cubic(min(f, 1) (u - tap)) and normalised. Height
first, then width. Rounding to 8 bit is floor(v + 0.5).

In 8 bit (rounded between the passes too) with a replicated border it reproduces distributed LR files bit for bit (SelfExSR's
Set5 and Set14); newer releases mirror the border. In floating point with a mirrored border it is BasicSR's imresize.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

Border = Literal["replicate", "symmetric"]
"""What lies beyond the border: the edge's pixels again and again, or the mirrored image, its edge repeated."""


def resize_matlab(
    image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int], *, border: Border
) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image at `size` (height, width) in pixels, smaller or larger, rounded after each pass."""
    levels = torch.from_numpy(np.ascontiguousarray(image)).double()
    for axis, length in enumerate(size):
        levels = torch.floor(_resize_axis(levels, axis, length, border, None) + 0.5).clamp(0, 255)
    return levels.to(torch.uint8).numpy()


def resize_matlab_float(
    image: Float[np.ndarray, "h w 3"], size: tuple[int, int], *, border: Border, scale: float | None = None
) -> Float[np.ndarray, "height width 3"]:
    """The same of values in [0, 1], without any rounding or clipping; computed in float64, returned in the type of `image`.

    With `scale`, f is that of both axes, whatever the sizes say: imresize(image, scale) of ceil(n f) pixels.
    """
    values = torch.from_numpy(np.ascontiguousarray(image)).double()
    for axis, length in enumerate(size):
        values = _resize_axis(values, axis, length, border, scale)
    return values.numpy().astype(image.dtype)


def _resize_axis(
    image: Float[Tensor, "h w 3"], axis: int, length: int, border: Border, scale: float | None
) -> Float[Tensor, "height width 3"]:
    rows = image.movedim(axis, 0)
    matrix = _weights(rows.shape[0], length, border, length / rows.shape[0] if scale is None else scale)
    return (matrix @ rows.flatten(1)).unflatten(1, rows.shape[1:]).movedim(0, axis)


@lru_cache(maxsize=512)  # the sizes of training crops come again and again
def _weights(n: int, m: int, border: Border, f: float) -> Float[Tensor, "m n"]:
    """Row x holds the weights of output x."""
    widening = min(f, 1.0)  # of the kernel, where the image becomes smaller
    width = 4 / widening
    u = np.arange(1, m + 1) / f + (1 - 1 / f) / 2
    taps = np.floor(u - width / 2)[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = widening * _cubic(widening * (u[:, None] - taps))
    weights /= weights.sum(1, keepdims=True)
    pixels = taps.astype(np.int64) - 1
    if border == "replicate":
        pixels = pixels.clip(0, n - 1)
    else:
        pixels %= 2 * n  # mirrored with the edge repeated: a period of 2 n
        pixels = np.minimum(pixels, 2 * n - 1 - pixels)
    matrix = np.zeros((m, n))
    np.add.at(matrix, (np.arange(m)[:, None], pixels), weights)
    return torch.from_numpy(matrix)


def _cubic(t: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -0.5."""
    t = np.abs(t)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t <= 2, far, 0.0))
