"""Whether there is room for an output: in its format, in memory and on the disk, known before the first row is made."""

import psutil

from splatsr.disk.free_space import check_free_space, in_words
from splatsr.errors import InputError
from splatsr.image_files.strip_files import STREAMED, longest_side
from splatsr.large_images.results import Result

ENCODED = 8
"""Bytes per output pixel of formats that cannot be written piece by piece: 8-bit rows, and Pillow's copy."""

DEFLATED = 4
"""A PNG or TIFF of an enlarged photograph is rarely smaller than its pixels by more than this factor."""


def check_room(result: Result, size: tuple[int, int], *, held: int) -> None:
    """InputError if the output fits neither its format, nor memory, nor the disk.

    Args:
        result: what is made of what.
        size: (height, width) of the output.
        held: bytes of memory that are needed besides those of the format.
    """
    (height, width), (source, target) = size, result
    suffix = target.suffix.lower()
    if (longest := longest_side(suffix)) is not None and max(size) > longest:
        others = [other for other in (".png", ".tif") if (most := longest_side(other)) is None or max(size) <= most]
        remedy = f"use {' or '.join(others)}" if others else "use a smaller scale or size"
        raise InputError(f"{source}: an output of {width}x{height} pixels does not fit into a {suffix} file; {remedy}.")
    needed, free = held + height * width * (0 if suffix in STREAMED else ENCODED), psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"{source}: an output of {width}x{height} pixels needs about {in_words(needed)} of memory, "
            f"{in_words(free)} are free: use a smaller scale or size{'' if suffix in STREAMED else ', or .png'}."
        )
    if suffix in STREAMED:
        check_free_space(
            target,
            3 * height * width / DEFLATED,
            content=f"the {width}x{height} pixels of the output",
            remedy="use a smaller scale or size, or another folder",
        )
