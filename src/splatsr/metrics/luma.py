"""Studio-range luminance, the "Y" of super-resolution tables (ITU-R BT.601, 16 to 235)."""

import torch
from jaxtyping import Float
from torch import Tensor

_WEIGHTS = (65.481, 128.553, 24.966)
_OFFSET = 16.0


def luma(rgb: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 1 h w"]:
    """Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255 of RGB in [0, 1]. Full-range luminance would lose 1.32 dB PSNR."""
    weights = rgb.new_tensor(_WEIGHTS)[:, None, None]
    return ((rgb * weights).sum(-3, keepdim=True) + _OFFSET) / 255


def channels(rgb: Float[Tensor, "*b 3 h w"], *, luminance: bool) -> Float[Tensor, "*b c h w"]:
    """What is compared: Y, or RGB as it is; in float64."""
    rgb = rgb.to(torch.float64)
    return luma(rgb) if luminance else rgb
