"""A picture as a person keeps it: pixels, and what comes along with them (alpha, color profile, EXIF)."""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from splatsr.data.images import open_image, to_rgb
from splatsr.errors import InputError

ORIENTATION = 0x0112

_OF_THE_FILE = frozenset(
    {*range(254, 260), 262, 273, 277, 278, 279, 284, 317, 320, *range(322, 326), 330, 338, 339, 700, 34675}
)
"""TIFF tags that say how pixels are stored in the file they come from, or repeat the color profile."""


class Extras(NamedTuple):
    """What is kept beside the pixels.

    Attributes:
        icc_profile: how RGB is meant; None where the file has none, or one of another color space than RGB.
        exif: without orientation (it is applied) and without the tags of a TIFF's own layout; empty where there is none.
    """

    icc_profile: bytes | None
    exif: Image.Exif


class Picture(NamedTuple):
    """8-bit RGB rows, alpha rows (None: opaque), and what is kept beside them."""

    rgb: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None
    extras: Extras


def read_picture(path: str | Path) -> Picture:
    """As `read_image`, without losing what is not RGB.

    Raises:
        InputError: the file is missing, truncated, or not an image.
    """
    with open_image(path) as image:
        try:
            upright = ImageOps.exif_transpose(image)
            return Picture(to_rgb(upright), _alpha(upright), Extras(_rgb_profile(image), _exif(image)))
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise InputError(f"{path} is damaged: {error}.") from error


def _alpha(image: Image.Image) -> UInt8[np.ndarray, "h w"] | None:
    if image.mode.startswith(("I", "F")) or not image.has_transparency_data:
        return None
    return np.array(image.convert("RGBA").getchannel("A"))


def _rgb_profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile") or b""
    return profile if profile[16:20] == b"RGB " else None


def _exif(image: Image.Image) -> Image.Exif:
    exif = image.getexif()
    for tag in (ORIENTATION, *_OF_THE_FILE):
        if tag in exif:
            del exif[tag]
    return exif
