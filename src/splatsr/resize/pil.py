"""The PIL 8-bit bicubic rule, by which low-resolution images are made and the bicubic baseline goes up again.

Cubic a = -0.5, widened by the scale where the image becomes smaller (antialias), width first, rounded to 8 bit, then height,
rounded again; the kernel is cut at the border and renormalised. ContinuousSR's published data code and test go by it.
"""

import math

import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from PIL import Image


def resize_bicubic(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image at `size` (height, width) in pixels, larger or smaller."""
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def resize_rows(
    image: UInt8[np.ndarray, "h w *c"] | UInt16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"],
    size: tuple[int, int],
    rows: tuple[int, int],
) -> UInt8[np.ndarray, "rows width *c"] | UInt16[np.ndarray, "rows width"] | Float32[np.ndarray, "rows width"]:
    """Rows [top, bottom) of what `resize_bicubic` makes at `size`, of RGB or of a single channel.

    Of 16 bits rounded once; of values in [0, 1] (float32) clipped to that.

    Pillow takes the box's edges as float32: single values may differ by one level where H / h is no binary fraction.
    """
    (top, bottom), ratio = rows, size[0] / len(image)
    margin = math.ceil(2 * max(1, 1 / ratio)) + 1  # the cubic's support
    first, end = max(math.floor(top / ratio) - margin, 0), min(math.ceil(bottom / ratio) + margin, len(image))
    box = (0, top / ratio - first, image.shape[1], min(bottom / ratio, len(image)) - first)
    if image.dtype != np.uint8:  # Pillow resizes no 16 bits
        part = Image.fromarray(image[first:end].astype(np.float32))
        made = np.asarray(part.resize((size[1], bottom - top), Image.Resampling.BICUBIC, box))
        return made.clip(0, 1) if image.dtype == np.float32 else np.rint(made).clip(0, 65535).astype(np.uint16)
    part = Image.fromarray(image[first:end])
    return np.asarray(part.resize((size[1], bottom - top), Image.Resampling.BICUBIC, box))
