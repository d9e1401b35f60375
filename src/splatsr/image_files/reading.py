"""Image files to 8-bit RGB arrays, whatever their pixels are: RGB, grey, palette, RGBA, CMYK, Lab, 1 to 16 bits.

What is read, and how, stands in docs/pictures.md.
"""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from splatsr.image_files.memory import check_memory
from splatsr.image_files.one_line import say_once
from splatsr.image_files.opened import ImageFile, opened
from splatsr.image_files.rgb import rgb_of


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of what `read_image` returns, from the header alone; InputError as there."""
    with opened(path) as file:
        return file.size


def read_image(path: str | Path) -> UInt8[np.ndarray, "h w 3"]:
    """Decodes a file to 8-bit RGB: turned upright, grey repeated, alpha dropped, 16 bit scaled by 255 / 65535.

    A palette is looked up, its transparent entries keep their color. RGB values are used as they are: embedded color profiles
    are not applied. What is not RGB becomes sRGB as `rgb.rgb_of` says. Of several frames or pages the first is read.

    Raises:
        InputError: the file is missing, damaged, no image, too large for the memory that is free, or of a kind that is not
            known to be read right.
    """
    path = Path(path)
    with opened(path) as file:
        check_memory(file)
        say_if_several(file, path)
        return np.ascontiguousarray(rgb_of(file.decode(), file.profile, path))


def say_if_several(file: ImageFile, path: Path) -> None:
    """A line in the log where only the first of several frames or pages is used."""
    if file.count > 1:
        say_once(f"{path} has {file.count} {file.several}: the first is used.")
