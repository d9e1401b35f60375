"""A TIFF: tifffile says what it holds and reads what it can; Pillow reads what is compressed by other means.

Pillow takes some TIFFs for what they are not, in silence (16-bit planes one after the other, 16-bit white-is-zero, signed
numbers, subsampled YCbCr), and of 16-bit colors it drops the lower half: it is asked only for those kinds that it is known to
read right, and for the bytes alone of those that `packed_tiff` makes samples of.
"""

import logging
import math
from pathlib import Path
from typing import NoReturn

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG, SAMPLEFORMAT

from splatsr.errors import InputError
from splatsr.image_files.image_file import ImageFile
from splatsr.image_files.one_line import say_once
from splatsr.image_files.orientation import TAG, orientation_of, upright_size
from splatsr.image_files.packed_tiff import PACKED, unpacked
from splatsr.image_files.samples import CMYK, GREY, RGB, Samples, samples_of, turned

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it reports of damage is raised here, or does not matter

_PLAIN = (COMPRESSION.NONE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)
"""What tifffile decodes by itself."""

_CHANNELS = {PHOTOMETRIC.MINISWHITE: 1, PHOTOMETRIC.MINISBLACK: 1, PHOTOMETRIC.RGB: 3, PHOTOMETRIC.SEPARATED: 4}

_XMP, _SUBSAMPLING, _REFERENCE = 700, 530, 532

_FULL_RANGE = [0, 255, 128, 255, 128, 255]
"""Black and white of Y, Cb and Cr as in a JPEG."""

_PREMULTIPLIED, _STRAIGHT = 1, 2
"""Kinds of extra samples that are an alpha; others are left out."""


class TiffFile(ImageFile):
    """The first page of the file at `path`; no pixel is decoded before `decode`.

    Raises:
        Exception: of any kind, where the file is damaged or no TIFF.
    """

    several = "pages"

    def __init__(self, path: Path) -> None:
        self.path = path
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            self.is_grey = page.samplesperpixel == 1 and page.photometric in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK)
            stored = page.imagelength, page.imagewidth
            self._count, self._profile, self._exif = len(file.pages), page.iccprofile, self._read_exif(file)
            xmp = page.tags.valueof(_XMP)
        self.orientation = orientation_of(self._exif, xmp if isinstance(xmp, bytes) else None)
        self.size = upright_size(stored, self.orientation)

    @property
    def exif(self) -> Image.Exif:
        """The tags of the first page, and those of EXIF."""
        return self._exif

    @property
    def profile(self) -> bytes | None:
        """The ICC profile."""
        return self._profile

    @property
    def count(self) -> int:
        """Of the pages."""
        return self._count

    def decode(self) -> Samples:
        """The pixels, upright.

        Raises:
            InputError: they are of a kind that is not known to be read right.
            Exception: of any kind, where the file is damaged.
        """
        with tifffile.TiffFile(self.path) as file:
            page = file.pages.first
            self._check(page)
            _check_complete(page, file.filehandle.size)
            if page.photometric in _CHANNELS and page.bitspersample in (8, 16) and page.fillorder == 1 and _is_decoded(page):
                return turned(_samples_of(page), self.orientation)
            self._check_pillow(page)
            bits = page.bitspersample
        samples = self._from_pillow()
        if bits == 12:
            return samples._replace(values=(samples.values.astype(np.uint32) * 65535 // 4095).astype(np.uint16))
        return samples

    def _from_pillow(self) -> Samples:
        """Turned upright, as Pillow does with TIFFs. It gets no name: it would map the file and turn it wrong."""
        with self.path.open("rb") as raw:
            try:
                image = Image.open(raw, formats=["TIFF"])
            except UnidentifiedImageError:
                self._refuse("pixels of a kind that is rarely met")
            with image:
                return samples_of(image, self.path)

    def _read_exif(self, file: tifffile.TiffFile) -> Image.Exif:
        exif = Image.Exif()
        exif.bigtiff, exif.endian = file.is_bigtiff, file.byteorder
        try:
            with self.path.open("rb") as opened:
                exif.load_from_fp(opened, file.pages.first.offset)
                for directory in (0x8769, 0x8825):
                    exif.get_ifd(directory)
                dict(exif)
        except Exception as error:  # as many kinds as there are ways to be damaged
            say_once(f"{self.path}: its EXIF is damaged and left out ({error}).")
            exif = Image.Exif()
            if (orientation := file.pages.first.tags.valueof(TAG)) is not None:
                exif[TAG] = orientation
        return exif

    def _check(self, page: tifffile.TiffPage) -> None:
        bits, kind = page.bitspersample, page.sampleformat
        if kind != SAMPLEFORMAT.UINT or bits > 16:
            names = {SAMPLEFORMAT.UINT: "unsigned", SAMPLEFORMAT.INT: "signed", SAMPLEFORMAT.IEEEFP: "floating-point"}
            self._refuse(f"{names.get(SAMPLEFORMAT(kind), 'complex')} numbers of {bits} bits")

    def _check_pillow(self, page: tifffile.TiffPage) -> None:
        """InputError unless Pillow is known to read this kind right."""
        bits, photometric, packed = page.bitspersample, page.photometric, page.compression not in _PLAIN
        if bits not in (1, 2, 4, 8, 12, 16):
            self._refuse(f"numbers of {bits} bits")
        if _is_planar(page) and (not packed or bits != 8 or page.extrasamples):
            self._refuse("planes one after the other, compressed or of a kind that is rarely met")
        if bits == 12 and photometric != PHOTOMETRIC.MINISBLACK:
            self._refuse("12-bit colors")
        if bits > 8 and (photometric != PHOTOMETRIC.MINISBLACK or (bits == 12 and packed)):  # Pillow keeps 8 bits of a color
            self._refuse(f"{bits}-bit {PHOTOMETRIC(photometric).name} pixels, compressed by means that are rarely met")
        if photometric == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.NONE:
            subsampling = tuple(page.tags.valueof(_SUBSAMPLING, default=(2, 2)))
            fractions = page.tags.valueof(_REFERENCE)
            reference = (
                _FULL_RANGE
                if fractions is None
                else [top / bottom for top, bottom in zip(fractions[::2], fractions[1::2], strict=True)]
            )
            if subsampling != (1, 1) or reference != _FULL_RANGE:
                self._refuse("YCbCr pixels that are not compressed, but subsampled or of video levels")

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"{self.path} holds {what}, which are not read; save it as 8- or 16-bit RGB.")


def _check_complete(page: tifffile.TiffPage, length: int) -> None:
    """ValueError where parts of the image are not in the file: both libraries would leave them black."""
    if page.is_contiguous:
        places = [(page.dataoffsets[0], page.nbytes)]
    else:
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        if len(places) < math.prod(page.chunked):
            raise ValueError(f"{len(places)} of its {math.prod(page.chunked)} parts are there")
    if any(not start or not count or start + count > length for start, count in places):
        raise ValueError("it is truncated")


def _is_decoded(page: tifffile.TiffPage) -> bool:
    """Whether the samples are had without Pillow's idea of what they mean."""
    if page.compression in _PLAIN:
        return True
    return page.compression in PACKED and page.bitspersample == 16 and not _is_planar(page)


def _is_planar(page: tifffile.TiffPage) -> bool:
    return page.planarconfig == PLANARCONFIG.SEPARATE and page.samplesperpixel > 1


def _samples_of(page: tifffile.TiffPage) -> Samples:
    pixels = page.asarray() if page.compression in _PLAIN else unpacked(page)
    if _is_planar(page):
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    channels = _CHANNELS[PHOTOMETRIC(page.photometric)]
    if pixels.shape[2] < channels:
        raise ValueError(f"{pixels.shape[2]} values per pixel, where its colors have {channels}")
    values, kinds = pixels[..., :channels], page.extrasamples
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        values = np.iinfo(values.dtype).max - values
    kind = next((index for index, kind in enumerate(kinds) if kind in (_PREMULTIPLIED, _STRAIGHT)), None)
    if not kinds and (channels, pixels.shape[2]) == (3, 4):  # a fourth value that nothing is said of, as Pillow takes it
        alpha: np.ndarray | None = pixels[..., 3]
    else:
        alpha = None if kind is None or channels == 4 else pixels[..., channels + kind]
    if alpha is not None and kind is not None and kinds[kind] == _PREMULTIPLIED:
        values = _divided(values, alpha)
    return Samples(np.ascontiguousarray(values), {1: GREY, 3: RGB, 4: CMYK}[channels], alpha)


def _divided(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Straight colors of premultiplied ones; where all is transparent they stay."""
    top, made = np.iinfo(values.dtype).max, values.copy()
    for rows, divisors in zip(made, alpha, strict=True):
        seen = divisors > 0
        rows[seen] = np.round(rows[seen] * (top / divisors[seen].astype(np.float32)[:, None])).clip(0, top)
    return made
