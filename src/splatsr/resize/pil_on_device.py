"""The PIL 8-bit bicubic rule (resize.pil) for a batch that lies on a device: the same levels as Pillow's, all of them.

Pillow adds up whole numbers: weights of 22 bits, normalised before they are rounded, times levels. float64 holds the sums
exactly, in any order.
"""

from functools import lru_cache

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

_ONE = 2**22
"""A weight of 1."""

_SUPPORT = 2.0


def resize_squares(images: UInt8[Tensor, "b 3 side side"], side: int) -> UInt8[Tensor, "b 3 made made"]:
    """8-bit RGB squares with `side` pixels along a side, smaller or larger, on their device.

    (Where the axes change very differently Pillow 13 takes the columns first; here they change alike.)
    """
    weights = _weights(images.shape[-1], side).to(images.device)
    return _rounded(weights @ _rounded(images.double() @ weights.T)).to(torch.uint8)


def _rounded(sums: Float[Tensor, "*_"]) -> Float[Tensor, "*_"]:
    return ((sums + _ONE // 2) / _ONE).floor().clamp(0, 255)


@lru_cache(maxsize=1024)
def _weights(length: int, made: int) -> Float[Tensor, "made length"]:
    """How much of every pixel each one that is made takes."""
    ratio = length / made
    wide = max(ratio, 1.0)
    centres = (torch.arange(made, dtype=torch.float64) + 0.5) * ratio
    first = (centres - _SUPPORT * wide + 0.5).clamp(min=0).floor()
    end = (centres + _SUPPORT * wide + 0.5).floor().clamp(max=length)
    pixels = torch.arange(length, dtype=torch.float64)
    weights = _cubic((pixels - centres[:, None] + 0.5) / wide)
    weights = torch.where((pixels >= first[:, None]) & (pixels < end[:, None]), weights, 0.0)
    weights = weights / weights.sum(1, keepdim=True) * _ONE
    return (weights.abs() + 0.5).floor() * weights.sign()


def _cubic(x: Float[Tensor, "*_"]) -> Float[Tensor, "*_"]:
    """a = -0.5."""
    x = x.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, (((x - 5) * x + 8) * x - 4) * -0.5
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
