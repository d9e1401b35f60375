"""What a file's pixels are before anything is made of them: whole numbers of 8 or 16 bits, and what they mean."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.orientation import upright

_ROWS = 256
"""Rows that are converted at once."""

GREY, RGB, CMYK, LAB = "grey", "rgb", "cmyk", "lab"


class Samples(NamedTuple):
    """An upright image as its file holds it.

    Attributes:
        values: (h, w, channels), uint8 or uint16 over the whole range of the type; of Lab a and b are signed bytes.
        space: GREY (1 channel), RGB (3), CMYK (4, ink: 0 is none) or LAB (3).
        alpha: (h, w), straight (not multiplied into the colors), of the same type; None: opaque.
        was: what the pixels are in the file, where these are something else: "a palette", "1 bit".
    """

    values: np.ndarray
    space: str
    alpha: np.ndarray | None
    was: str | None = None


def turned(samples: Samples, orientation: int) -> Samples:
    """Those of a file with this EXIF orientation, upright."""
    alpha = None if samples.alpha is None else upright(samples.alpha, orientation)
    return samples._replace(values=upright(samples.values, orientation), alpha=alpha)


def eight_bits(values: np.ndarray) -> np.ndarray:
    """uint8 levels of uint8 or uint16 ones: times 255 / 65535, rounded."""
    if values.dtype == np.uint8:
        return values
    made = np.empty(values.shape, np.uint8)
    for first in range(0, len(values), _ROWS):
        made[first : first + _ROWS] = (values[first : first + _ROWS].astype(np.uint32) + 128) // 257
    return made


def samples_of(image: Image.Image, name: object) -> Samples:
    """The pixels of a Pillow image, decoded here if they are not yet; `name` is for messages.

    Raises:
        InputError: numbers of 32 bits or with a fraction, which do not say what is white.
    """
    image.load()
    was = {"P": "a palette", "PA": "a palette", "1": "1 bit"}.get(image.mode)
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        return Samples(values[..., None], GREY, _keyed_out(values, image.info.get("transparency")))
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # older Pillows' way of saying 16 bits
        return Samples(np.asarray(image).astype(np.uint16)[..., None], GREY, None)
    if image.mode in ("I", "F"):
        raise InputError(
            f"{name} holds {'numbers with fractions' if image.mode == 'F' else 'whole numbers of 32 bits'}, which do not say "
            "what is white; save it with 8 or 16 bits."
        )
    if image.mode in ("CMYK", "LAB"):
        return Samples(np.array(image), CMYK if image.mode == "CMYK" else LAB, None)
    if image.mode in ("L", "1") and "transparency" not in image.info:
        return Samples(np.array(image.convert("L"))[..., None], GREY, None, was)
    if image.mode == "L" and isinstance(image.info["transparency"], int):
        values = np.array(image)
        return Samples(values[..., None], GREY, _keyed_out(values, image.info["transparency"]))
    if image.mode in ("LA", "La"):
        both = np.array(image.convert("LA"))
        return Samples(both[..., :1], GREY, both[..., 1])
    if image.mode not in ("L", "1", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "YCbCr"):
        raise InputError(f"{name} has pixels of a kind ({image.mode}) that is not read; save it as 8- or 16-bit RGB.")
    if image.has_transparency_data:  # palettes with an alpha for every entry convert to RGB only by way of RGBA
        four = np.array(image if image.mode == "RGBA" else image.convert("RGBA"))
        return Samples(four[..., :3], RGB, four[..., 3], was)
    return Samples(np.array(image if image.mode == "RGB" else image.convert("RGB")), RGB, None, was)


def _keyed_out(values: np.ndarray, key: object) -> np.ndarray | None:
    """Alpha of a grey image one of whose levels is transparent."""
    return np.where(values == key, 0, np.iinfo(values.dtype).max).astype(values.dtype) if isinstance(key, int) else None
