"""Images as 8-bit levels, as values in [0, 1] and as tensors, and from one to the other."""

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

Pixels = UInt8[np.ndarray, "_ _ 3"] | Float32[np.ndarray, "_ _ 3"]
"""RGB rows: 8-bit levels, or values in [0, 1] that no file has rounded (resizing may leave them a little outside)."""


def to_tensor(image: Pixels) -> Float[Tensor, "3 h w"]:
    """RGB rows as a float32 tensor in [0, 1]; values that are not 8-bit stay as they are, outside [0, 1] too."""
    channels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return channels.float() / 255 if image.dtype == np.uint8 else channels


def to_uint8(image: Float[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """A tensor in [0, 1] (clamped here) as 8-bit RGB rows, rounded to the nearest level, ties to even."""
    levels = (image.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())


def eight_bit(image: Pixels) -> UInt8[np.ndarray, "h w 3"]:
    """RGB rows as a file would hold them: clipped to [0, 1], rounded to the nearest level, ties up; 8-bit ones as they are."""
    return image if image.dtype == np.uint8 else np.floor(image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def unrounded(image: Pixels) -> Float32[np.ndarray, "h w 3"]:
    """RGB rows as values: levels divided by 255; values as they are."""
    return image.astype(np.float32) / 255 if image.dtype == np.uint8 else image
