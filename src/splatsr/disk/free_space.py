"""Whether a disk has space for what is going to be written, known before the first byte is."""

import shutil
from pathlib import Path

from splatsr.errors import InputError


def existing_parent(path: Path) -> Path:
    """`path` if it exists, or else the nearest folder above it that does."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def free_bytes(path: Path) -> int:
    """Free bytes on the disk on which `path` is, or would be made."""
    return shutil.disk_usage(existing_parent(path)).free


def in_words(count: int | float) -> str:
    """So many bytes as 1.5 GiB, 0.3 MiB or 900 bytes: whichever is not 0.0."""
    if count >= 2**30 / 20:
        return f"{count / 2**30:,.1f} GiB"
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 / 20 else f"{count:.0f} bytes"


def check_free_space(path: Path, needed: int | float, *, content: str, remedy: str) -> None:
    """InputError where fewer than `needed` bytes are free for `path`.

    The line says "<content> need about 1.2 GiB on disk, and 0.5 GiB are free at <path>: <remedy>."
    """
    free = free_bytes(path)
    if needed > free:
        raise InputError(f"{content} need about {in_words(needed)} on disk, and {in_words(free)} are free at {path}: {remedy}.")
