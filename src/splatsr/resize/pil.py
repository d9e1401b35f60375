"""The PIL 8-bit bicubic rule, by which low-resolution images are made and the bicubic baseline goes up again.

Cubic a = -0.5, widened by the scale when shrinking (antialias), width first, rounded to 8 bit, then height, rounded again;
the kernel is cut at the border and renormalised. This is the rule of ContinuousSR's published data code and test.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from torch import Tensor

Pixels = UInt8[np.ndarray, "_ _ 3"] | Float32[np.ndarray, "_ _ 3"]
"""RGB rows: 8-bit levels, or values in [0, 1] that no file has rounded."""


def resize_bicubic(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image at `size` (height, width), larger or smaller."""
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def resize_torchvision(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """torchvision's antialiased resize of an 8-bit tensor: the same kernel in floating point, rounded at the end (DIINN)."""
    levels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()[None]
    resized = torch.nn.functional.interpolate(levels, size, mode="bicubic", antialias=True)[0]
    return np.ascontiguousarray(resized.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy())


def resize_rows(
    image: UInt8[np.ndarray, "h w *c"], size: tuple[int, int], rows: tuple[int, int]
) -> UInt8[np.ndarray, "rows width *c"]:
    """Rows [top, bottom) of what `resize_bicubic` makes at `size`, of RGB or of a single channel.

    Pillow takes the box's edges as float32: single values may differ by one level where H / h is no binary fraction.
    """
    (top, bottom), ratio = rows, size[0] / len(image)
    margin = math.ceil(2 * max(1, 1 / ratio)) + 1  # the cubic's support
    first, end = max(math.floor(top / ratio) - margin, 0), min(math.ceil(bottom / ratio) + margin, len(image))
    box = (0, top / ratio - first, image.shape[1], min(bottom / ratio, len(image)) - first)
    part = Image.fromarray(image[first:end])
    return np.asarray(part.resize((size[1], bottom - top), Image.Resampling.BICUBIC, box))


def to_tensor(image: Pixels) -> Float[Tensor, "3 h w"]:
    """RGB rows to a float32 tensor in [0, 1]; values that are not 8-bit stay as they are, outside [0, 1] too."""
    channels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return channels.float() / 255 if image.dtype == np.uint8 else channels


def to_uint8(image: Float[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """A tensor in [0, 1] (clamped here) to 8-bit RGB rows, rounded to nearest."""
    levels = (image.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())


def eight_bit(image: Pixels) -> UInt8[np.ndarray, "h w 3"]:
    """RGB rows as a file would hold them: clipped to [0, 1] and rounded to the nearest level; 8-bit ones as they are."""
    return image if image.dtype == np.uint8 else np.floor(image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def unrounded(image: Pixels) -> Float32[np.ndarray, "h w 3"]:
    """RGB rows as values in [0, 1]."""
    return image.astype(np.float32) / 255 if image.dtype == np.uint8 else image
