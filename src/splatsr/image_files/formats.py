"""Which image files are read and which are written, by the endings of their names and by Pillow's names of the formats."""

from pathlib import Path

from splatsr.errors import InputError

READ = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""What is read. A file is known by its content: nothing but these decoders is ever started, whatever its name says."""

SUFFIXES = frozenset(suffix for suffixes in READ.values() for suffix in suffixes)
"""By which images are found in folders, in small letters."""

WRITTEN = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".jp2", ".jpx", ".jpf", ".j2k", ".j2c", ".jpc"), "JPEG2000"),
    **dict.fromkeys((".ppm", ".pgm", ".pnm"), "PPM"),
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".bmp": "BMP",
}
"""The format that a suffix is written in: those that hold 8-bit RGB whole (GIF has 256 colors, PBM two)."""


def check_writable(path: Path) -> None:
    """InputError unless `path` ends like an image file that can be written."""
    if path.suffix.lower() not in WRITTEN:
        known = " ".join(sorted(WRITTEN))
        raise InputError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use one of {known}.")


def known_suffixes() -> str:
    """.avif .bmp ...: all that are read, for messages."""
    return " ".join(sorted(SUFFIXES))
