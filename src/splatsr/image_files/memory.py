"""Whether an image fits into memory, known from its header before a pixel is decoded."""

from pathlib import Path

import psutil

from splatsr.errors import InputError

DECODED = 24
"""Bytes of memory per pixel while an image is decoded and made 8-bit RGB: Pillow's own 4, a converted copy, samples, and
rows; palettes with alpha and 16 bits take most."""


def check_memory(path: Path, size: tuple[int, int]) -> None:
    """InputError where an image of (height, width) pixels would not fit into the memory that is free."""
    height, width = size
    needed, free = DECODED * height * width, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"{path} is {width}x{height} pixels, which take about {needed / 2**30:,.1f} GiB of memory to decode, and "
            f"{free / 2**30:,.1f} GiB are free: cut it into smaller images, or use a machine with more memory."
        )
