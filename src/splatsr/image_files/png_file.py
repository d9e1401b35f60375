"""A PNG: its chunks one by one, so that nothing beside the pixels can keep them from being read.

Pillow decodes pixels of 8 bits, torchvision those of 16 (Pillow drops their lower half). Both get the chunks alone that
pixels are made of, once their checksums are found right: text of any length, broken profiles and wrong checksums of others do
not reach them. What else matters is read here, wherever it stands in the file: orientation (eXIf, XMP, ImageMagick's text),
profile, and how RGB is meant (cICP, sRGB, gAMA, cHRM).
"""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.exif import exif_of
from splatsr.image_files.image_file import ImageFile
from splatsr.image_files.orientation import orientation_of, upright_size
from splatsr.image_files.png_color import Primaries, are_possible, is_srgb, to_srgb
from splatsr.image_files.samples import GREY, RGB, Samples, samples_of, turned

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")

_LARGEST = 2**26
"""Bytes to which a profile or a text may inflate."""

_SRGB_CODINGS = ((1, 13, 0, 1), (1, 1, 0, 1))
"""cICP of sRGB, and of BT.709 video, whose levels are shown like sRGB's."""


_PASSES = (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
"""Of an interlaced PNG: first column and row, and the steps to the next (PNG specification, section 8)."""


class _Chunk(NamedTuple):
    kind: bytes
    start: int  # of its content
    length: int


class PngFile(ImageFile):
    """The file at `path`; nothing but chunks' headers and what is small is read before `decode`.

    Raises:
        Exception: of any kind, where the file is damaged.
    """

    several = "frames"

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._chunks = list(_walk(file.fileno()))
        if not self._chunks or self._chunks[0].kind != b"IHDR":
            raise ValueError("it does not begin with its header")
        width, height, self._bits, self._color_type = struct.unpack(">IIBB", self._content(b"IHDR")[:10])
        self.is_grey = self._color_type == 0 and not self._content(b"tRNS") and not self._content(b"gAMA")
        self.size = upright_size((height, width), self.orientation)

    @cached_property
    def orientation(self) -> int:
        """1 to 8."""
        return orientation_of(self.exif, self._xmp)

    @cached_property
    def exif(self) -> Image.Exif:
        """Of the eXIf chunk, or of the text in which ImageMagick keeps it."""
        return exif_of(self._content(b"eXIf") or _from_hex(self._text("Raw profile type exif")), self.path)

    @cached_property
    def profile(self) -> bytes | None:
        """The ICC profile; None where there is none, or one that does not inflate."""
        _, _, packed = self._content(b"iCCP").partition(b"\0")
        return _inflated(packed[1:]) if packed else None

    @property
    def count(self) -> int:
        """How many pictures an animation has; 1: it is none."""
        content = self._content(b"acTL")
        return max(struct.unpack(">I", content[:4])[0], 1) if len(content) >= 4 else 1

    def decode(self) -> Samples:
        """The pixels; gAMA and cHRM other than sRGB's are applied where no profile says what RGB means.

        Raises:
            InputError: cICP says that they are meant as something else than sRGB, and there is no profile that says so too.
            Exception: of any kind, where the file is damaged.
        """
        content = self._pixels()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()  # first, whatever the bits: it says plainly what is damaged, where libpng prints lines of its own
            key = image.info.get("transparency")
            if self._color_type == 0 and self._bits in (2, 4) and isinstance(key, int):  # Pillow scales the levels, not the key
                image.info["transparency"] = key * 255 // (2**self._bits - 1)
            is_wide = self._bits == 16 and self._color_type != 0
            samples = _sixteen_bits(content, self._content(b"tRNS")) if is_wide else samples_of(image, self.path)
        return turned(samples._replace(values=self._meant_as_srgb(samples)), self.orientation)

    def _meant_as_srgb(self, samples: Samples) -> np.ndarray:
        coding = tuple(self._content(b"cICP"))
        if coding and coding not in _SRGB_CODINGS and not self.profile:
            raise InputError(
                f"{self.path} is coded for another kind of screen than sRGB (cICP {'-'.join(map(str, coding))}: HDR or a wide "
                "gamut); convert it to sRGB."
            )
        if coding or self.profile or self._content(b"sRGB"):
            return samples.values
        gamma, primaries = self._gamma(), self._primaries()
        return samples.values if is_srgb(gamma, primaries) else to_srgb(samples.values, gamma, primaries)

    def _gamma(self) -> float | None:
        content = self._content(b"gAMA")
        value = struct.unpack(">I", content[:4])[0] / 100_000 if len(content) >= 4 else 0
        return value if 0.1 <= value <= 10 else None  # others are no gamma of any screen

    def _primaries(self) -> Primaries | None:
        content = self._content(b"cHRM")
        if len(content) < 32:
            return None
        found = Primaries(*(value / 100_000 for value in struct.unpack(">8I", content[:32])))
        return found if are_possible(found) else None

    @cached_property
    def _xmp(self) -> bytes | None:
        return self._text("XML:com.adobe.xmp")

    def _text(self, keyword: str) -> bytes | None:
        """The text under this keyword, inflated; None where there is none that can be read."""
        for chunk in self._chunks:
            if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
                continue
            begin = self._read(chunk, len(keyword) + 1)
            if begin != keyword.encode() + b"\0":
                continue
            content = self._read(chunk)[len(begin) :]
            if chunk.kind == b"tEXt":
                return content
            if chunk.kind == b"zTXt":
                return _inflated(content[1:])
            packed, parts = content[:1] == b"\1", content[2:].split(b"\0", 2)
            return None if len(parts) < 3 else _inflated(parts[2]) if packed else parts[2]
        return None

    def _content(self, kind: bytes) -> bytes:
        """Of the first chunk of this kind; empty where there is none."""
        return next((self._read(chunk) for chunk in self._chunks if chunk.kind == kind), b"")

    def _read(self, chunk: _Chunk, most: int = _LARGEST) -> bytes:
        with self.path.open("rb") as file:
            file.seek(chunk.start)
            return file.read(min(chunk.length, most))

    def _pixels(self) -> bytes:
        """The file without what is not pixels.

        Raises:
            ValueError: a checksum is wrong or pixels are missing, which Pillow does not look at.
        """
        parts = [SIGNATURE]
        inflate, missing = zlib.decompressobj(), self._inflated_bytes()
        with self.path.open("rb") as file:
            for kind, start, length in self._chunks:
                if kind in _PIXELS:
                    file.seek(start - 8)
                    parts.append(chunk := file.read(length + 12))
                    if len(chunk) == length + 12 and zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                        raise ValueError(f"the checksum of its {kind.decode()} is wrong")
                    if kind == b"IDAT":
                        missing -= _count_inflated(inflate, chunk[8 : 8 + length], missing)
        if missing > 0:
            raise ValueError(f"its pixels end {missing} bytes too early")
        return b"".join(parts)

    def _inflated_bytes(self) -> int:
        """Of all rows, each with the byte that names its filter: one image, or the seven of an interlaced one."""
        width, height, bits, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", self._content(b"IHDR")[:13])
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color_type]
        passes = _PASSES if interlaced else ((0, 0, 1, 1),)
        images = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
        return sum(h * (1 + -(-w * channels * bits // 8)) for w, h in images if w > 0 and h > 0)


def _walk(handle: int) -> Iterator[_Chunk]:
    """The chunks up to IEND, or to where the file ends."""
    position = len(SIGNATURE)
    while len(header := os.pread(handle, 8, position)) == 8:
        length, kind = struct.unpack(">I4s", header)
        yield _Chunk(kind, position + 8, length)
        if kind == b"IEND":
            return
        position += length + 12


def _count_inflated(inflate: Any, packed: bytes, most: int) -> int:
    """Bytes that more of a stream inflates to, `most` at most; of a damaged one `most`: Pillow says what is wrong with it."""
    count = 0
    try:
        while packed and count < most:
            count += len(inflate.decompress(packed, 2**20))
            packed = inflate.unconsumed_tail
    except zlib.error:
        return most
    return count


def _inflated(packed: bytes) -> bytes | None:
    """At most `_LARGEST` bytes; None where they are damaged or more."""
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(packed, _LARGEST)
    except zlib.error:
        return None
    return content if inflate.eof else None


def _from_hex(text: bytes | None) -> bytes:
    """Of ImageMagick's text: a line break, what it is, its length, hexadecimal digits; empty where it is something else."""
    try:
        return bytes.fromhex("".join((text or b"").decode("latin-1").split("\n")[3:]))
    except ValueError:
        return b""


def _sixteen_bits(content: bytes, transparent: bytes) -> Samples:
    """Of a PNG with 16 bits and more than grey; `transparent`: its tRNS chunk, the one color that is not opaque."""
    import torch
    from torchvision.io import ImageReadMode, decode_png

    values = (
        decode_png(torch.frombuffer(bytearray(content), dtype=torch.uint8), ImageReadMode.UNCHANGED).numpy().transpose(1, 2, 0)
    )
    channels = values.shape[2]
    colors, alpha = values[..., : channels - 1 + channels % 2], values[..., -1] if channels % 2 == 0 else None
    if alpha is None and len(transparent) >= 6:
        alpha = np.where((values == struct.unpack(">3H", transparent[:6])).all(-1), 0, 65535).astype(np.uint16)
    return Samples(colors, GREY if colors.shape[2] == 1 else RGB, alpha)
