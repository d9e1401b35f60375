"""The PIL 8-bit bicubic rule, by which low-resolution images are made and the bicubic baseline goes up again.

Cubic a = -0.5, widened by the scale when shrinking (antialias), width first, rounded to 8 bit, then height, rounded again;
the kernel is cut at the border and renormalised. This is the rule of ContinuousSR's published data code and test.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor


def resize_bicubic(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image at `size` (height, width), larger or smaller."""
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def to_tensor(image: UInt8[np.ndarray, "h w 3"]) -> Float[Tensor, "3 h w"]:
    """8-bit RGB rows to a float32 tensor in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255


def to_uint8(image: Float[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """A tensor in [0, 1] (clamped here) to 8-bit RGB rows, rounded to nearest."""
    levels = (image.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())
