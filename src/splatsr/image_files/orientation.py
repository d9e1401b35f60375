"""Which way up an image is to be shown: the one place that reads EXIF's and XMP's orientation, for sizes and for pixels."""

import re

import numpy as np
from PIL import Image

TAG = 0x0112

_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')

_TURNS = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}
"""Quarter turns to the left; 2, 4, 5 and 7 are then mirrored left to right."""


def orientation_of(exif: Image.Exif, xmp: bytes | None) -> int:
    """1 to 8 as TIFF 6.0 defines it; EXIF's comes before XMP's, as in Pillow's `exif_transpose`.

    1, upright, where there is none or where it is no such number.
    """
    try:
        found = exif.get(TAG)
        if found is None and xmp and (match := _XMP.search(xmp)):
            found = int(match[1])
        return next((number for number in _TURNS if number == found), 1)
    except Exception:  # what Pillow makes of a broken directory, it makes when asked
        return 1


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(height, width) as shown, of (height, width) as stored."""
    return size[::-1] if orientation >= 5 else size


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(height, width, ...) as shown, of pixels as stored; a view."""
    turned = np.rot90(pixels, _TURNS[orientation])
    return turned[:, ::-1] if orientation in (2, 4, 5, 7) else turned
