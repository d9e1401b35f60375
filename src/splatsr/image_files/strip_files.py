"""Image files written strip by strip, so that an image larger than memory can be saved: PNG and TIFF.

Other formats are Pillow's business and need the whole image. pypng, the library that writes PNG by rows, knows no filters and
neither ICC nor EXIF chunks: its files of photographs are twice as large. TIFF goes through tifffile, which leaves out EXIF.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError
from splatsr.image_files.exif import is_empty
from splatsr.image_files.formats import WRITTEN
from splatsr.image_files.one_line import one_line, say_once
from splatsr.image_files.picture import Extras

LEVEL = 4
"""zlib's: a tenth larger than Pillow's files, in a quarter of the time."""

STREAMED = frozenset({".png", ".tif", ".tiff"})
_LONGEST = {"JPEG": 65535, "WEBP": 16383, "AVIF": 65535, "PNG": 2**31 - 1, "TIFF": 2**31 - 1}

LOSSY = frozenset({"JPEG", "WEBP", "AVIF"})
"""Formats that have a quality."""

QUALITY = 95
"""From 1 to 100, where no other is asked for: Pillow's own, 75, shows blocks in an enlarged picture."""

_LONGEST_EXIF = 65533 - 6
"""Bytes of EXIF that fit into a JPEG, without the six before it."""

TIFF_STRIP = 2**20
"""Bytes of a TIFF's own strips, which readers decode one by one."""

CLASSIC_TIFF = 2**32 - 2**25
"""Bytes of pixels that are sure to fit into a TIFF with 32-bit offsets; above, BigTIFF."""

Rows = UInt8[np.ndarray, "rows width channels"] | UInt16[np.ndarray, "rows width channels"]
Strips = Iterable[Rows]


class Layout(NamedTuple):
    """Of an image that is written in strips.

    Attributes:
        size: (H, W) of the whole image.
        channels: 1 (grey), 2 (grey and straight alpha), 3 (RGB) or 4 (RGB and straight alpha).
        bits: 8, or 16 (PNG and TIFF) of each of them.
    """

    size: tuple[int, int]
    channels: int
    bits: int


def write_strips(
    path: Path, strips: Strips, layout: Layout, extras: Extras, *, quality: int | None = None, replace: bool = True
) -> None:
    """Writes strips that come from top to bottom in the format of the path's suffix.

    Args:
        quality: of JPEG, WebP and AVIF, 1 to 100; None: `QUALITY`.
        replace: whether the file may take the place of another.

    Raises:
        InputError: the file cannot be written, or there is one already.
    """
    suffix = path.suffix.lower()
    with whole_file(path, replace=replace) as partial:
        if suffix == ".png":
            with partial.open("wb") as file:
                write_png(file, strips, layout, extras)
        elif suffix in STREAMED:
            write_tiff(partial, strips, layout, extras)
        else:
            _write_whole(path, partial, strips, layout, extras, quality or QUALITY)


def longest_side(suffix: str) -> int | None:
    """The most pixels that a side may have in a file of this suffix; None where any number will do."""
    return _LONGEST.get(WRITTEN[suffix])


def write_png(file: BinaryIO, strips: Strips, layout: Layout, extras: Extras) -> None:
    """PNG (ISO/IEC 15948), every row filtered by the better of Sub and Up (least sum of absolute differences of bytes)."""
    (height, width), channels, bits = layout
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0))
    if extras.icc_profile:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(extras.icc_profile))
    if not is_empty(extras.exif):
        _chunk(file, b"eXIf", extras.exif.tobytes().removeprefix(b"Exif\0\0"))
    deflate = zlib.compressobj(LEVEL)
    pixel = channels * bits // 8
    above = np.zeros((1, width * pixel), np.uint8)
    for strip in strips:
        rows = strip.astype(">u2" if bits == 16 else np.uint8, copy=False).reshape(len(strip), -1).view(np.uint8)
        _chunk(file, b"IDAT", deflate.compress(_filtered(rows, above, pixel)))
        above = rows[-1:]
    _chunk(file, b"IDAT", deflate.flush())
    _chunk(file, b"IEND", b"")


def write_tiff(path: Path, strips: Strips, layout: Layout, extras: Extras) -> None:
    """TIFF, deflated with horizontal differences; BigTIFF where the pixels take more than 4 GB."""
    import tifffile  # rarely needed

    (height, width), channels, bits = layout
    row = width * channels * bits // 8
    count = max(TIFF_STRIP // row, 1)
    texts = [(tag, "s", 0, str(extras.exif[tag]).encode("ascii", "replace"), True) for tag in _TEXTS if tag in extras.exif]
    directories = {IFD.Exif: extras.exif.get_ifd(IFD.Exif), IFD.GPSInfo: extras.exif.get_ifd(IFD.GPSInfo)}
    directories = {tag: content for tag, content in directories.items() if content}
    stand_ins = [(tag - 1, "I", 1, 0, True) for tag in directories]  # tifffile refuses the tags themselves
    tifffile.imwrite(
        path,
        _deflated(strips, count),
        shape=(height, width, channels) if channels > 1 else (height, width),
        byteorder="<",
        dtype=np.dtype(f"uint{bits}"),
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        rowsperstrip=count,
        compression="zlib",
        predictor=2,
        iccprofile=extras.icc_profile,
        metadata=None,
        software=False,
        extratags=[*texts, *stand_ins],
        bigtiff=height * row > CLASSIC_TIFF,
    )
    if directories:
        with tifffile.TiffFile(path, mode="r+") as file:
            for tag, content in directories.items():
                _append_directory(file, tag, content)


_TEXTS = (0x010F, 0x0110, 0x013B, 0x8298)
"""Make, model, artist, copyright."""


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    if content or kind != b"IDAT":
        file.write(struct.pack(">I", len(content)) + kind)
        file.write(content)
        file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))


def _filtered(rows: UInt8[np.ndarray, "n bytes"], above: UInt8[np.ndarray, "1 bytes"], pixel: int) -> bytes:
    up = rows - np.concatenate([above, rows[:-1]])
    sub = _differences(rows, pixel)
    better = _roughness(up) < _roughness(sub)
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = np.where(better, 2, 1)
    filtered[:, 1:] = np.where(better[:, None], up, sub)
    return filtered.tobytes()


def _differences(rows: np.ndarray, before: int) -> np.ndarray:
    """Every value of rows (n, values) minus the one so many before it, that is of the pixel to its left, modulo 2^bits."""
    sub = rows.copy()
    sub[:, before:] -= rows[:, :-before]
    return sub


def _roughness(differences: UInt8[np.ndarray, "n bytes"]) -> np.ndarray:
    return np.minimum(differences, 0 - differences).sum(1, dtype=np.int64)  # -d is 256 - d, modulo 256


def _deflated(strips: Strips, count: int) -> Iterator[bytes]:
    """Encoded TIFF strips of `count` rows each, the last of what is left."""
    left = None
    for strip in strips:
        left = strip if left is None else np.concatenate([left, strip])
        while len(left) >= count:
            yield _tiff_strip(left[:count])
            left = left[count:]
    if left is not None and len(left):
        yield _tiff_strip(left)


def _tiff_strip(rows: Rows) -> bytes:
    differences = _differences(rows.reshape(len(rows), -1), rows.shape[2])
    return zlib.compress(differences.astype(rows.dtype.newbyteorder("<"), copy=False).tobytes(), LEVEL)


def _append_directory(file: Any, tag: int, content: dict[int, Any]) -> None:
    """Writes an EXIF directory to the end of an open TIFF and makes the stand-in tag point to it."""
    handle, stand_in = file.filehandle, file.pages[0].tags[tag - 1]
    handle.seek(0)
    directory = ImageFileDirectory_v2(ifh=handle.read(16 if file.is_bigtiff else 8))
    directory.update(content)
    handle.seek(0, os.SEEK_END)
    start = handle.tell() + handle.tell() % 2
    encoded = directory.tobytes(start)
    handle.seek(start)
    handle.write(encoded)
    stand_in.overwrite(start)
    handle.seek(stand_in.offset)
    handle.write(struct.pack(file.byteorder + "H", tag))


def _write_whole(path: Path, partial: Path, strips: Strips, layout: Layout, extras: Extras, quality: int) -> None:
    pixels = np.empty((*layout.size, layout.channels), np.uint8)
    top = 0
    for strip in strips:
        pixels[top : top + len(strip)] = strip
        top += len(strip)
    name = WRITTEN[path.suffix.lower()]
    kept: dict[str, Any] = {"irreversible": False} if name == "JPEG2000" else {}  # it loses nothing
    if name in LOSSY:
        exif = b"" if is_empty(extras.exif) else extras.exif.tobytes()
        if name == "JPEG" and len(exif) > _LONGEST_EXIF:
            say_once(f"{path}: its EXIF of {len(exif)} bytes is left out, a JPEG has room for {_LONGEST_EXIF}.")
            exif = b""
        kept = {"icc_profile": extras.icc_profile, "exif": exif, "quality": quality}
    try:
        Image.fromarray(pixels if layout.channels > 1 else pixels[..., 0]).save(partial, format=name, **kept)
    except Exception as error:  # as many kinds as there are encoders
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):  # not the encoder's
            raise
        raise InputError(f"{path} cannot be written: {one_line(error)}.") from error
