"""Reads field files (.splat) and renders them, with numpy and the standard library alone. docs/field-files.md is the format.

This file needs nothing of the package. Copied beside a script it is a reader:

    from reader import SplatFile
    image = SplatFile("photo.splat").render(scale=3.7)   # (height, width, channels), float64, unclamped

It is slow: a kernel at a time, some thousands a second. It reads a band of kernels at a time, however large the file is.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Number = int | float

MAGIC = b"\x89SPLAT\r\n"
"""As of PNG: a byte beyond ASCII, and a line break that what takes a file for text would change."""

VERSION = 1

HEADER = struct.Struct("<8sHBBHHIIdQI")
"""Magic, version, bits, per side, channels, margin, height, width, reference scale, kernels, bands. A checksum follows."""

CHECKSUM = struct.Struct("<I")

ENTRY = struct.Struct("<IIIfff")
"""Of a band in the index: bytes, checksum, kernels, smallest and largest y of a centre, largest standard deviation along y."""

FLOAT16 = 16
"""Bits of a value that is a float16; with fewer it is one of 2^bits even steps of a range."""

SEGMENT = 128
"""Columns of cells after which prediction begins anew: segments can be decoded side by side."""

MOST_VALUES = 2**23
"""Of a band: what a reader has to hold at once, whatever a file says."""

LARGEST_VALUE = 65504.0
"""The largest float16."""

LARGEST_SIDE = 2**31 - 1
"""LR pixels."""

REACH = math.sqrt(2 * math.log(255))
"""Standard deviations beyond which a kernel adds nothing: there it has fallen to 1/255 of its peak."""

KAPPA = 1 / 12
"""Variance of a pixel along either axis, in pixels^2."""

SMALLEST, LARGEST = 1e-6, 1e15
"""A kernel with |l11| or |l22| below the first, in output pixels, or with any entry beyond the second, adds nothing."""


class SplatFileError(ValueError):
    """The file is damaged, or no field file, or one of a newer version."""


class Band(NamedTuple):
    """What the index says of consecutive kernels: where they are in the file, and which rows of the image they can touch.

    Attributes:
        offset, length: bytes in the file.
        checksum: CRC-32 of them.
        kernels: how many.
        start: the number of the first kernel.
        top, bottom: smallest and largest y of a centre, LR pixels.
        deviation: largest standard deviation along y, LR pixels.
    """

    offset: int
    length: int
    checksum: int
    kernels: int
    start: int
    top: float
    bottom: float
    deviation: float


class Kernels(NamedTuple):
    """Centres (n, xy), entries (n, l11 l21 l22) and peaks (n, channels), float32, as `splatsr.GaussianField` has them."""

    means: np.ndarray
    cholesky: np.ndarray
    colors: np.ndarray


class SplatFile:
    """A field file whose header and index have been read and checked; kernels are read when they are asked for.

    Attributes:
        size: (height, width) of the LR image.
        margin: LR pixels by which the cells reach beyond it.
        per_side: kernels per LR pixel along either axis; 0: they are in no cells.
        bits: of a value.
        channels: of a color.
        reference_scale: below it pixels get a footprint (docs/rendering.md).
        kernels: how many there are.
        bands: the index.

    Raises:
        SplatFileError: see there.
        OSError: the file cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self.path.open("rb") as file:
            header = file.read(HEADER.size + CHECKSUM.size)
            if not header.startswith(MAGIC):
                raise SplatFileError(
                    f"{path} is no field file of SplatSR: it begins with {header[:8]!r}. (Viewers of 3D scenes have files "
                    "that end in .splat too.)"
                )
            if len(header) < HEADER.size + CHECKSUM.size:
                raise SplatFileError(f"{path} is damaged: it ends within its header.")
            _, version, *values, self.reference_scale, self.kernels, count = HEADER.unpack(header[:-4])
            if version > VERSION:
                raise SplatFileError(
                    f"{path} is a field file of version {version}; this reader knows version {VERSION}: take a newer SplatSR."
                )
            self.bits, self.per_side, self.channels, self.margin = values[:4]
            self.size = (values[4], values[5])
            length = os.fstat(file.fileno()).st_size
            if len(header) + ENTRY.size * count > length:  # before anything is read that the header asks for
                raise SplatFileError(f"{path} is damaged: it ends within its index, or its header is wrong.")
            index = file.read(ENTRY.size * count)
        if zlib.crc32(index, zlib.crc32(header[:-4])) != CHECKSUM.unpack(header[-4:])[0]:
            raise SplatFileError(f"{path} is damaged: its header or its index is not what was written.")
        if not self._is_possible():
            raise SplatFileError(f"{path} is damaged: its header says what cannot be.")
        self.bands = self._read_index(index, len(header) + len(index))
        if sum(band.length for band in self.bands) + len(header) + len(index) != length:
            raise SplatFileError(f"{path} is damaged: it is {length} bytes long, which its index contradicts.")

    def read(self, band: Band, row: int = 0) -> Kernels:
        """The kernels of a band, their y counted from LR row `row`.

        Raises:
            SplatFileError: the band is damaged.
        """
        with self.path.open("rb") as file:
            file.seek(band.offset)
            content = file.read(band.length)
        if zlib.crc32(content) != band.checksum or len(content) != band.length:
            raise SplatFileError(f"{self.path} is damaged: kernels from {band.start} on are not what was written.")
        planes, n = 5 + self.channels, band.kernels
        prefix = (0 if self.per_side else 8 * n) + (0 if self.bits == FLOAT16 else 8 * planes)
        expected = prefix + 2 * planes * n
        inflate = zlib.decompressobj()
        try:
            raw = inflate.decompress(content, expected + 1)  # never more, whatever is in there
        except zlib.error as error:
            raise SplatFileError(f"{self.path} is damaged: kernels from {band.start} on cannot be inflated.") from error
        if len(raw) != expected or not inflate.eof or inflate.unused_data:
            raise SplatFileError(f"{self.path} is damaged: kernels from {band.start} on are too many or too few.")
        corners = self._cell_centres(band, raw[: 8 * n])
        low, high = np.frombuffer(raw, np.uint8, offset=prefix).reshape(2, planes, n).astype(np.int32)
        columns = self._columns or n
        values = _unpredicted((low | high << 8).reshape(planes, -1, columns), self.bits).reshape(planes, n)
        if self.channels == 3:  # red and blue are stored as differences from green
            values[5::2] = (values[5::2] + values[6] - 2 ** (self.bits - 1)) % 2**self.bits
        ranges = np.frombuffer(raw[:prefix][-8 * planes :], "<f4").reshape(2, planes) if self.bits < FLOAT16 else None
        numbers = numbers_of(values, ranges, self.bits)
        if not (np.abs(numbers) <= LARGEST_VALUE).all():  # NaN is not either
            raise SplatFileError(f"{self.path} is damaged: it holds values that are not finite, or beyond {LARGEST_VALUE:g}.")
        y, widest = numbers[1] + corners[:, 1], np.hypot(numbers[3], numbers[4]).max()
        if not (band.top <= y.min() and y.max() <= band.bottom and widest <= band.deviation):
            raise SplatFileError(f"{self.path} is damaged: kernels from {band.start} on lie elsewhere than its index says.")
        means = numbers[:2].T + corners - np.array([0.0, row])
        return Kernels(means.astype(np.float32), _rows(numbers[2:5]), _rows(numbers[5:]))

    def touching(self, first: Number, end: Number, *, stretch: Number = 1, pixels: Number = 1) -> list[Band]:
        """The bands of which some kernel may add to LR rows [first, end), y in LR pixels.

        Args:
            stretch: by how much kernels are higher than in LR pixels: scale over true ratio, where these differ.
            pixels: LR pixels per output pixel along y.
        """
        spread = KAPPA * pixels**2  # the footprint is at most that of a whole pixel
        reaches = [REACH * math.sqrt((stretch * band.deviation) ** 2 + spread) + pixels for band in self.bands]
        return [
            band
            for band, reach in zip(self.bands, reaches, strict=True)
            if band.top - reach < end and band.bottom + reach > first
        ]

    def render(self, *, size: Sequence[int] | None = None, scale: Number | Sequence[Number] | None = None) -> np.ndarray:
        """The image (height, width, channels), float64, unclamped, as `splatsr.GaussianField.render` makes it.

        Args:
            size: (height, width) in pixels; or
            scale: a factor, or (vertical, horizontal).
        """
        return np.concatenate(list(self.strips(size=size, scale=scale)))

    def strips(
        self, *, size: Sequence[int] | None = None, scale: Number | Sequence[Number] | None = None, rows: int = 256
    ) -> Iterator[np.ndarray]:
        """The same from top to bottom, `rows` rows at a time: for images that do not fit into memory."""
        (height, width), scales = _output(self.size, size, scale)
        ratio, variances = (height / self.size[0], width / self.size[1]), _footprint(self.reference_scale, scales)
        for top in range(0, height, rows):
            strip = np.zeros((min(rows, height - top), width, self.channels))
            near = top / ratio[0], (top + len(strip)) / ratio[0]
            for band in self.touching(*near, stretch=scales[0] / ratio[0], pixels=1 / ratio[0]):
                _add_scaled(strip, self.read(band), top, ratio, scales, variances)
            yield strip

    @property
    def _columns(self) -> int:
        """Cells of a row; 0: there are none."""
        return self.per_side * (self.size[1] + 2 * self.margin)

    def _is_possible(self) -> bool:
        sides = all(1 <= side <= LARGEST_SIDE for side in self.size)
        values = 8 <= self.bits <= FLOAT16 and self.channels >= 1 and self.reference_scale >= 0
        rows = self.per_side * (self.size[0] + 2 * self.margin)
        return sides and values and (not self.per_side or self.kernels == rows * self._columns)

    def _read_index(self, index: bytes, offset: int) -> list[Band]:
        bands, start = [], 0
        for length, checksum, kernels, top, bottom, deviation in ENTRY.iter_unpack(index):
            fits = 1 <= kernels * (5 + self.channels) <= MOST_VALUES and (not self.per_side or kernels % self._columns == 0)
            if not fits or not (-math.inf < top <= bottom < math.inf and 0 <= deviation < math.inf):
                raise SplatFileError(f"{self.path} is damaged: its index says what cannot be.")
            bands.append(Band(offset, length, checksum, kernels, start, top, bottom, deviation))
            offset, start = offset + length, start + kernels
        if start != self.kernels:
            raise SplatFileError(f"{self.path} is damaged: its index and its header differ in the number of kernels.")
        return bands

    def _cell_centres(self, band: Band, numbers: bytes) -> np.ndarray:
        """(n, xy): the centres, in LR pixels, from which the centres of kernels are counted."""
        if self.per_side:
            index = np.arange(band.start, band.start + band.kernels)
            cells = np.stack([index % self._columns, index // self._columns], 1)
            return (cells + 0.5) / self.per_side - self.margin
        steps = np.frombuffer(numbers, np.uint8).reshape(8, band.kernels).T.copy().view("<u8")[:, 0]
        pixels = np.cumsum(steps, dtype=np.uint64)
        if pixels[-1] >= self.size[0] * self.size[1] or (pixels[1:] < pixels[:-1]).any():
            raise SplatFileError(f"{self.path} is damaged: kernels from {band.start} on lie in no pixel.")
        return np.stack([pixels % self.size[1], pixels // self.size[1]], 1).astype(np.float64) + 0.5


def render_kernels(
    kernels: Kernels,
    lr_size: tuple[int, int],
    *,
    reference_scale: Number,
    size: Sequence[int] | None = None,
    scale: Number | Sequence[Number] | None = None,
) -> np.ndarray:
    """The image (height, width, channels), float64, unclamped, of kernels that are no file's, such as an ONNX model's.

    Args:
        kernels: float32, in LR pixels.
        lr_size: (height, width) of the LR image.
        reference_scale: below it pixels get a footprint; 0: none.
        size: (height, width) in pixels; or
        scale: a factor, or (vertical, horizontal).
    """
    (height, width), scales = _output(lr_size, size, scale)
    image, ratio = np.zeros((height, width, kernels.colors.shape[1])), (height / lr_size[0], width / lr_size[1])
    _add_scaled(image, kernels, 0, ratio, scales, _footprint(reference_scale, scales))
    return image


def _output(lr_size: tuple[int, int], size: Any, scale: Any) -> tuple[tuple[int, int], tuple[float, float]]:
    """(height, width) of the output and its scale."""
    if (size is None) == (scale is None):
        raise ValueError(f"give either size or scale; got size={size}, scale={scale}.")
    if scale is None:
        height, width = size
        scales = height / lr_size[0], width / lr_size[1]
    else:
        vertical, horizontal = scale if isinstance(scale, Sequence) else (scale, scale)
        scales = float(vertical), float(horizontal)
        height, width = (round(side * factor) for side, factor in zip(lr_size, scales, strict=True))
    if min(height, width) < 1:
        raise ValueError(f"an output has at least one pixel; got {height} x {width}.")
    return (height, width), scales


def _footprint(reference_scale: Number, scales: tuple[float, float]) -> tuple[float, float]:
    """(v_x, v_y): the footprint's variances in output pixels^2, zeros from the reference scale on."""
    if reference_scale == 0:
        return 0.0, 0.0
    vertical, horizontal = (KAPPA * (1 - min(1.0, side / reference_scale) ** 2) for side in scales)
    return horizontal, vertical


def _add_scaled(
    image: np.ndarray,
    kernels: Kernels,
    top: int,
    ratio: tuple[float, float],
    scales: tuple[float, float],
    variances: tuple[float, float],
) -> None:
    """Adds kernels in LR pixels to rows of an output from `top` on: centres by the true ratio, shapes by the scale."""
    means, cholesky, colors = (part.astype(np.float64) for part in kernels)
    stretched = cholesky * (scales[1], scales[0], scales[0])
    add_kernels(image, means * (ratio[1], ratio[0]) - (0, top), *widened(stretched, colors, variances))


def numbers_of(values: np.ndarray, ranges: np.ndarray | None, bits: int) -> np.ndarray:
    """Numbers (planes, n), float64, of values in [0, 2^bits).

    Args:
        values: (planes, n).
        ranges: (2, planes), float32, the lowest and the highest number of each plane; None of float16.
        bits: of a value.
    """
    if ranges is None:  # negative ones come first, downwards
        return np.where(values & 0x8000, values & 0x7FFF, 0xFFFF - values).astype(np.uint16).view(np.float16).astype(np.float64)
    with np.errstate(all="ignore"):  # of ranges that are none
        lowest, highest = ranges.astype(np.float64)[..., None]
        return lowest + values * ((highest - lowest) / (2**bits - 1))


def _rows(planes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(planes.T.astype(np.float32))


def _unpredicted(coded: np.ndarray, bits: int) -> np.ndarray:
    """Values (planes, rows, columns) from what prediction left of them: see docs/field-files.md, "Prediction".

    Each depends on those to its left, above it, and above those: so one antidiagonal after the other, in all planes and
    segments of columns at once.
    """
    planes, rows, columns = coded.shape
    left_over = np.where(coded & 1, -(coded >> 1) - 1, coded >> 1)
    width = min(SEGMENT, columns)
    segments = -(-columns // width)
    padded = np.zeros((planes, rows, segments * width), np.int32)
    padded[..., :columns] = left_over
    by_place = np.ascontiguousarray(padded.reshape(planes, rows, segments, width).transpose(1, 3, 0, 2)).reshape(
        rows, width, -1
    )
    values = np.zeros((rows + 1, width + 1, planes * segments), np.int32)
    for diagonal in range(rows + width - 1):
        row = np.arange(max(0, diagonal - width + 1), min(rows, diagonal + 1))
        column = diagonal - row
        left, above, corner = values[row + 1, column], values[row, column + 1], values[row, column]
        predicted = np.maximum(np.minimum(left, above), np.minimum(np.maximum(left, above), left + above - corner))
        values[row + 1, column + 1] = (predicted + by_place[row, column]) % 2**bits
    found = values[1:, 1:].reshape(rows, width, planes, segments).transpose(2, 0, 3, 1)
    return found.reshape(planes, rows, segments * width)[..., :columns].copy()


def widened(cholesky: np.ndarray, colors: np.ndarray, variances: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Kernels in output pixels averaged over pixels of covariance diag(v_x, v_y): (Cholesky, colors). Zeros change nothing."""
    if variances == (0.0, 0.0):
        return cholesky, colors
    v_x, v_y = (max(variance, SMALLEST**2) for variance in variances)
    l11, l21, l22 = cholesky.T
    wide11 = np.sqrt(l11**2 + v_x)
    tilt = l21 / wide11
    wide22 = np.sqrt(l22**2 + v_y + tilt**2 * v_x)
    amplitude = np.abs(l11 / wide11) * np.abs(l22 / wide22)
    return np.stack([wide11, l11 * tilt, wide22], 1), colors * amplitude[:, None]


def add_kernels(image: np.ndarray, means: np.ndarray, cholesky: np.ndarray, colors: np.ndarray) -> None:
    """Adds color exp(-q) of every kernel to the pixels of `image` (height, width, channels) where q <= ln 255.

    Centres and entries are in pixels of the image, the centre of its first pixel is (0.5, 0.5).
    """
    height, width = image.shape[:2]
    reach = REACH * np.stack([np.abs(cholesky[:, 0]), np.hypot(cholesky[:, 1], cholesky[:, 2])], 1)
    lengths = np.abs(cholesky)
    drawn = (lengths[:, ::2].min(1) >= SMALLEST) & (lengths.max(1) <= LARGEST)
    first = np.clip(np.floor(means - reach - 0.5), 0, (width, height)).astype(np.int64)
    end = np.clip(np.ceil(means + reach + 0.5), 0, (width, height)).astype(np.int64)
    for k in np.flatnonzero(drawn & (first < end).all(1)):
        (left, top), (right, bottom), (l11, l21, l22) = first[k], end[k], cholesky[k]
        u = (np.arange(left, right) + 0.5 - means[k, 0]) / l11
        t = ((np.arange(top, bottom)[:, None] + 0.5 - means[k, 1]) - l21 * u) / l22
        q = (u**2 + t**2) / 2
        image[top:bottom, left:right] += np.where(q <= REACH**2 / 2, np.exp(-q), 0.0)[..., None] * colors[k]
