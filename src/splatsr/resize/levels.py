"""Images as 8-bit levels, as values in [0, 1] and as tensors, and from one to the other."""

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8, UInt16
from torch import Tensor

Pixels = UInt8[np.ndarray, "_ _ 3"] | Float32[np.ndarray, "_ _ 3"]
"""RGB rows: 8-bit levels, or values in [0, 1] that no file has rounded (resizing may leave them a little outside)."""

Levels = UInt8[np.ndarray, "_ _ _"] | UInt16[np.ndarray, "_ _ _"] | Float32[np.ndarray, "_ _ _"]
"""Rows of 1 channel (grey) or 3 (RGB), in levels of 8 or 16 bits, or values in [0, 1]."""

_EIGHT_BIT_RGB = np.empty((0, 0, 3), np.uint8)


def to_tensor(image: Pixels | Levels) -> Float[Tensor, "3 h w"]:
    """RGB rows, or grey ones repeated, as a float32 tensor in [0, 1]; values stay as they are, outside [0, 1] too."""
    channels = image.transpose(2, 0, 1)
    if image.dtype == np.uint16:  # torch cannot do much with it
        values = torch.from_numpy(channels.astype(np.float32)) / 65535
    elif image.dtype == np.uint8:
        values = torch.from_numpy(np.ascontiguousarray(channels)).float() / 255
    else:
        values = torch.from_numpy(np.ascontiguousarray(channels))
    return values.expand(3, -1, -1)


def to_levels(image: Float[Tensor, "3 h w"], like: Levels) -> Levels:
    """A tensor in [0, 1] (clamped here) as rows of the kind that `like` is: RGB, or grey, the mean of RGB.

    8 and 16 bits are rounded to the nearest level, ties to even; values stay values.
    """
    values = image.detach().cpu().float().clamp(0, 1)
    if like.shape[2] == 1:
        values = values.mean(0, keepdim=True)
    if like.dtype == np.float32:
        return np.ascontiguousarray(values.permute(1, 2, 0).numpy())
    if like.dtype == np.uint8:
        return np.ascontiguousarray((values * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    return np.ascontiguousarray((values * 65535).round().numpy().astype(np.uint16).transpose(1, 2, 0))


def to_uint8(image: Float[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """A tensor in [0, 1] (clamped here) as 8-bit RGB rows, rounded to the nearest level, ties to even."""
    return to_levels(image, _EIGHT_BIT_RGB)


def eight_bit(image: Pixels) -> UInt8[np.ndarray, "h w 3"]:
    """RGB rows as a file would hold them: clipped to [0, 1], rounded to the nearest level, ties up; 8-bit ones as they are."""
    return image if image.dtype == np.uint8 else np.floor(image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def unrounded(image: Pixels) -> Float32[np.ndarray, "h w 3"]:
    """RGB rows as values: levels divided by 255; values as they are."""
    return image.astype(np.float32) / 255 if image.dtype == np.uint8 else image
