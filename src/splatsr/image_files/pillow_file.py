"""Files that Pillow reads as they are: JPEG, WebP, AVIF, JPEG 2000, GIF, BMP, PPM."""

from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.formats import READ
from splatsr.image_files.image_file import ImageFile
from splatsr.image_files.one_line import say_once
from splatsr.image_files.orientation import orientation_of, upright_size
from splatsr.image_files.samples import Samples, samples_of, turned

FORMATS = tuple(name for name in READ if name not in ("PNG", "TIFF"))

_HDR = {8: "linear", 16: "PQ", 18: "HLG"}
"""Transfer characteristics (ITU-T H.273) that are no picture for an ordinary screen."""

_HEAD = 2**16
"""Bytes at whose beginning AVIF files describe their colors, and JPEG 2000 files their samples."""

_SIZ, _DEPTH = b"\xff\x4f\xff\x51", 42
"""How the codestream of a JPEG 2000 begins, and where after that stands how many bits a sample has."""


class PillowFile(ImageFile):
    """The file at `path`; no pixel is decoded before `decode`.

    Raises:
        Exception: of any kind, where the file is damaged or no image.
    """

    several = "frames"

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as image:
            width, height = image.size
            self._drawn = _drawn(image)
            self.is_grey = image.mode in ("1", "L") and "transparency" not in image.info and self._drawn is None
            self._exif, self._profile, xmp = self._read_exif(image), image.info.get("icc_profile"), image.info.get("xmp")
            self.orientation = orientation_of(self._exif, xmp if isinstance(xmp, bytes) else None)
        self.size = upright_size((height, width), self.orientation)

    @property
    def exif(self) -> Image.Exif:
        """As it is in the file."""
        return self._exif

    @property
    def profile(self) -> bytes | None:
        """The ICC profile."""
        return self._profile

    @cached_property
    def count(self) -> int:
        """How many pictures an animation has; 1: it is none (a second picture in a camera's JPEG does not count)."""
        with self._open() as image:
            return 1 if image.format in ("JPEG", "MPO") else int(getattr(image, "n_frames", 1))

    def decode(self) -> Samples:
        """The pixels, upright.

        Raises:
            InputError: they are meant for HDR screens, or are of a kind that does not say what is white.
            Exception: of any kind, where the file is damaged.
        """
        with self._open() as image:
            if image.format == "AVIF":
                self._refuse_hdr()
            samples = samples_of(image, self.path)
            if self._drawn is not None:
                samples = _transparent_outside(samples, self._drawn)
            if image.format == "JPEG2000" and image.mode != "P":
                alpha = None if samples.alpha is None else self._over_whole_range(samples.alpha)
                samples = samples._replace(values=self._over_whole_range(samples.values), alpha=alpha)
        return turned(samples, self.orientation)

    def _open(self) -> Image.Image:
        return Image.open(self.path, formats=FORMATS)

    def _read_exif(self, image: Image.Image) -> Image.Exif:
        try:
            return image.getexif()
        except Exception as error:  # as many kinds as there are ways to be damaged
            say_once(f"{self.path}: its EXIF is damaged and left out ({error}).")
            return Image.Exif()

    def _over_whole_range(self, values: np.ndarray) -> np.ndarray:
        """Of a JPEG 2000, whose samples have any number of bits: Pillow shifts them up, so that white is 240 and not 255."""
        with self.path.open("rb") as file:
            head = file.read(_HEAD)
        bits, held = (head[head.find(_SIZ) + _DEPTH] & 127) + 1, 8 * values.dtype.itemsize
        if bits >= held or _SIZ not in head:
            return values
        table = (np.arange(2**bits) * np.iinfo(values.dtype).max + (2**bits - 1) // 2) // (2**bits - 1)
        return table.astype(values.dtype)[values >> (held - bits)]

    def _refuse_hdr(self) -> None:
        with self.path.open("rb") as file:
            head = file.read(_HEAD)
        found = head.find(b"colrnclx")
        transfer = int.from_bytes(head[found + 10 : found + 12], "big") if found >= 0 else 0
        if transfer in _HDR:
            raise InputError(f"{self.path} is an HDR picture ({_HDR[transfer]}); convert it to sRGB.")


def _drawn(image: Image.Image) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of what the first frame of a GIF draws; None where that is the whole canvas."""
    tiles = getattr(image, "tile", None)  # of files alone
    if image.format != "GIF" or not tiles:
        return None
    left, top, right, bottom = tiles[0][1]
    whole = left <= 0 and top <= 0 and right >= image.width and bottom >= image.height
    return None if whole else (max(left, 0), max(top, 0), right, bottom)


def _transparent_outside(samples: Samples, drawn: tuple[int, int, int, int]) -> Samples:
    """Nothing is there outside of what is drawn; Pillow fills it with a color where the frame has no transparent one."""
    left, top, right, bottom = drawn
    alpha = np.zeros(samples.values.shape[:2], samples.values.dtype)
    inside = (slice(top, bottom), slice(left, right))
    alpha[inside] = np.iinfo(alpha.dtype).max if samples.alpha is None else samples.alpha[inside]
    return samples._replace(alpha=alpha)
