"""A picture as a person keeps it: pixels of the kind that its file has, and what comes along with them (profile, EXIF)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from splatsr.image_files.exif import exif_to_keep
from splatsr.image_files.memory import check_memory
from splatsr.image_files.opened import opened
from splatsr.image_files.reading import say_if_several
from splatsr.image_files.rgb import rgb_of, usable_profile
from splatsr.image_files.samples import CMYK, GREY, LAB, RGB, eight_bits

_NAMES = {CMYK: "CMYK", LAB: "Lab"}


class Extras(NamedTuple):
    """What is kept beside the pixels.

    Attributes:
        icc_profile: how they are meant: one of RGB for RGB, one of grey for grey; None where the file has none.
        exif: without orientation (it is applied), pixel sizes, resolution, thumbnail and the tags of a TIFF's own layout; empty
            where there is none.
    """

    icc_profile: bytes | None
    exif: Image.Exif


class Picture(NamedTuple):
    """An upright picture.

    Attributes:
        colors: (h, w, channels), 1 channel (grey) or 3 (RGB), uint8 or uint16 over the whole range of the type.
        alpha: (h, w), straight (not multiplied into the colors), of the same type; None: opaque.
        extras: what is kept beside them.
        was: what the file holds instead, where that cannot be kept: "CMYK", "Lab", "a palette", "1 bit"; else None.
    """

    colors: np.ndarray
    alpha: np.ndarray | None
    extras: Extras
    was: str | None

    @property
    def kind(self) -> str:
        """In words: 8-bit RGB, 16-bit grey with alpha, ..."""
        color = "grey" if self.colors.shape[2] == 1 else "RGB"
        return f"{8 * self.colors.itemsize}-bit {color}{'' if self.alpha is None else ' with alpha'}"


def read_picture(path: str | Path) -> Picture:
    """As `read_image`, without losing what is not 8-bit RGB; what is damaged beside the pixels is left out, with a line.

    Grey stays grey, 16 bits stay 16, both with their profile. What can only be shown as RGB (CMYK, Lab) becomes 8-bit sRGB.

    Raises:
        InputError: as `read_image`.
    """
    path = Path(path)
    with opened(path) as file:
        check_memory(file)
        say_if_several(file, path)
        samples = file.decode()
        exif = exif_to_keep(file.exif, path)
        if samples.space in (GREY, RGB):
            found = usable_profile(file.profile, samples.space, path)
            colors, alpha, profile = samples.values, samples.alpha, None if found is None else file.profile
        else:
            colors, profile = rgb_of(samples, file.profile, path), None
            alpha = None if samples.alpha is None else eight_bits(samples.alpha)
        return Picture(
            np.ascontiguousarray(colors),
            None if alpha is None else np.ascontiguousarray(alpha),
            Extras(profile, exif),
            samples.was or _NAMES.get(samples.space),
        )
