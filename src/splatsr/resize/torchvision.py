"""torchvision's antialiased bicubic resize of 8-bit tensors: the rule of DIINN's data code and test.

Cubic a = -0.5, widened by the scale where the image becomes smaller, as PIL's, but in floating point throughout and rounded
once at the end (ties to even).
"""

import numpy as np
import torch
from jaxtyping import UInt8


def resize_torchvision(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image at `size` (height, width) in pixels, larger or smaller."""
    levels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()[None]
    resized = torch.nn.functional.interpolate(levels, size, mode="bicubic", antialias=True)[0]
    return np.ascontiguousarray(resized.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())
