"""Whether an image fits into memory, known from its header before a pixel is decoded."""

import psutil

from splatsr.disk.free_space import in_words
from splatsr.errors import InputError
from splatsr.image_files.image_file import ImageFile

COLOR, GREY = 24, 8
"""Bytes of memory per pixel while an image is decoded and made 8-bit RGB: Pillow's own 4 (of grey 1), a converted copy,
samples, and rows. Palettes with alpha and 16 bits take most."""


def check_memory(file: ImageFile) -> None:
    """InputError where an image would not fit into the memory that is free."""
    (height, width), free = file.size, psutil.virtual_memory().available
    needed = (GREY if file.is_grey else COLOR) * height * width
    if needed > free:
        raise InputError(
            f"{file.path} is {width}x{height} pixels, which take about {in_words(needed)} of memory to decode, and "
            f"{in_words(free)} are free: cut it into smaller images, or use a machine with more memory."
        )
