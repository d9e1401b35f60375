"""A picture as a person keeps it: pixels, and what comes along with them (alpha, color profile, EXIF)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from splatsr.image_files.exif import exif_to_keep
from splatsr.image_files.memory import check_memory
from splatsr.image_files.opened import opened
from splatsr.image_files.reading import say_if_several
from splatsr.image_files.rgb import rgb_of, usable_profile
from splatsr.image_files.samples import GREY, RGB, eight_bits


class Extras(NamedTuple):
    """What is kept beside the pixels.

    Attributes:
        icc_profile: how RGB is meant; None where the file has none, or one of another color space than RGB.
        exif: without orientation (it is applied), pixel sizes, resolution, thumbnail and the tags of a TIFF's own layout; empty
            where there is none.
    """

    icc_profile: bytes | None
    exif: Image.Exif


class Picture(NamedTuple):
    """8-bit RGB rows, alpha rows (None: opaque), and what is kept beside them."""

    rgb: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None
    extras: Extras


def read_picture(path: str | Path) -> Picture:
    """As `read_image`, without losing what is not RGB; what of it is damaged is left out, with a line in the log.

    Raises:
        InputError: as `read_image`.
    """
    path = Path(path)
    with opened(path) as file:
        check_memory(file)
        say_if_several(file, path)
        samples = file.decode()
        rgb = np.ascontiguousarray(rgb_of(samples, file.profile, path))
        alpha = None if samples.alpha is None else np.ascontiguousarray(eight_bits(samples.alpha))
        profile = file.profile or b""
        if samples.space not in (GREY, RGB) or profile[16:20] != b"RGB " or usable_profile(profile, RGB, path) is None:
            profile = b""
        return Picture(rgb, alpha, Extras(profile or None, exif_to_keep(file.exif, path)))
