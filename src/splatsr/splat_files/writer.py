"""Writes field files (.splat) band by band, also of fields larger than memory. docs/field-files.md is the format."""

import math
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.splat_files.reader import (
    CHECKSUM,
    ENTRY,
    FLOAT16,
    HEADER,
    LARGEST_SIDE,
    LARGEST_VALUE,
    MAGIC,
    MOST_VALUES,
    SEGMENT,
    VERSION,
    Kernels,
    numbers_of,
)

BAND = 2**18
"""Kernels of a band, where a row of cells has no more."""

COARSEST = (1 / 128, 1 / 128, 1 / 255)
"""Steps beyond which a picture cannot be right: of positions and entries in LR pixels, and of colors, one level of 255."""

_WHAT = ("positions", "shapes", "colors")


class Description(NamedTuple):
    """What a file says of all its kernels.

    Attributes:
        size: (height, width) of the LR image.
        reference_scale, margin: as of `GaussianField`.
        per_side: kernels per LR pixel along either axis; 0: they are in no cells.
        channels: of a color.
        bits: 16: float16; 8 to 15: so many, each plane of a band over its own range.
    """

    size: tuple[int, int]
    reference_scale: Number
    margin: int
    per_side: int
    channels: int
    bits: int

    @property
    def planes(self) -> int:
        """Numbers of a kernel."""
        return 5 + self.channels

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        height, width = (self.per_side * (side + 2 * self.margin) for side in self.size)
        return height, width


class _Band(NamedTuple):
    """A band, encoded, and its entry in the index."""

    content: bytes
    entry: bytes
    kernels: int


def check_description(description: Description) -> None:
    """InputError where no file can say so."""
    (height, width), bits = description.size, description.bits
    if not isinstance(bits, int) or not 8 <= bits <= FLOAT16:
        raise InputError(f"bits must be 16 (float16), or 8 to 15 (so many, predicted); got {bits!r}.")
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE and 0 <= description.margin < 2**16):
        raise InputError(f"a .splat file has no place for {width}x{height} LR pixels with a margin of {description.margin}.")
    if not (1 <= description.channels < 2**16 and description.planes <= MOST_VALUES and description.per_side < 2**8):
        raise InputError(
            f"a .splat file has no place for {description.channels} channels, {description.per_side} cells a side."
        )
    if description.cells[1] * description.planes > MOST_VALUES:
        raise InputError(f"a .splat file has no place for rows of {description.cells[1]} kernels: save it as .safetensors.")


def cell_offsets(means: np.ndarray, per_side: int, columns: int, *, row: int, margin: int) -> np.ndarray:
    """(n, xy): how far kernels are from the centres of their cells, in LR pixels, float64.

    Args:
        means: (n, xy), whole rows of cells, row by row.
        per_side: cells per LR pixel along either axis.
        columns: cells of a row.
        row: of cells, that of the first kernel.
        margin: LR pixels by which the first cell of row 0 lies above and left of where `means` count from.
    """
    index = np.arange(len(means))
    centres = (np.stack([index % columns, row + index // columns], 1) + 0.5) / per_side - margin
    return means.astype(np.float64) - centres


def write_cells(file: BinaryIO, description: Description, blocks: Iterable[Kernels], *, margin: int) -> int:
    """Writes a field whose kernels are in cells; returns their number.

    Args:
        file: open, empty, and such that one can go back in it.
        description: with `per_side`.
        blocks: whole rows of cells each, from top to bottom.
        margin: LR pixels by which the first cell of every block lies above and left of where its centres count from.

    Raises:
        InputError: a number is not finite or too large, or `bits` too few for their range.
    """
    rows, columns = description.cells
    per_band = max(min(BAND, MOST_VALUES // description.planes) // columns, 1)
    return _write(file, description, -(-rows // per_band), _bands_of_cells(description, blocks, margin, per_band))


def write_free(file: BinaryIO, description: Description, kernels: Kernels) -> int:
    """Writes a field whose kernels are in no cells, in the order of the LR pixels that they lie in; returns their number.

    Raises:
        InputError: as `write_cells`.
    """
    per_band = min(BAND, MOST_VALUES // description.planes)
    return _write(file, description, -(-len(kernels.means) // per_band), _bands_of_free(description, kernels, per_band))


def _bands_of_cells(description: Description, blocks: Iterable[Kernels], margin: int, per_band: int) -> Iterator[_Band]:
    (rows, columns), per_side = description.cells, description.per_side
    row, waiting = 0, list[np.ndarray]()  # of the band that is next
    for block in blocks:
        first, end = 0, len(block.means) // columns
        while first < end:
            count = min(per_band, rows - row) - sum(part.shape[1] for part in waiting)
            if not count:
                raise ValueError(f"more than {rows} rows of cells came.")
            means, cholesky, colors = (part[first * columns : (first + count) * columns] for part in block)
            piece = Kernels(cell_offsets(means, per_side, columns, row=first, margin=margin), cholesky, colors)
            waiting.append(_planes(piece).reshape(description.planes, -1, columns))
            first += count
            band = np.concatenate(waiting, 1)
            if band.shape[1] == min(per_band, rows - row):
                y = (np.arange(row, row + band.shape[1]) + 0.5) / per_side - description.margin
                yield _encoded(description, band, np.repeat(y, columns), b"")
                row, waiting = row + band.shape[1], []
    if row != rows:
        raise ValueError(f"{row} of {rows} rows of cells came.")


def _bands_of_free(description: Description, kernels: Kernels, per_band: int) -> Iterator[_Band]:
    height, width = description.size
    means = kernels.means.astype(np.float64)
    _check_finite(means)  # otherwise it lies in no pixel
    pixels = np.clip(np.floor(means), 0, (width - 1, height - 1)).astype(np.int64)
    numbers = pixels[:, 1] * width + pixels[:, 0]
    order = np.argsort(numbers, kind="stable")
    planes = _planes(kernels._replace(means=means - pixels - 0.5))
    for first in range(0, len(order), per_band):
        chosen = order[first : first + per_band]
        steps = np.diff(numbers[chosen], prepend=0).astype("<u8")
        by_byte = steps.view(np.uint8).reshape(-1, 8).T.tobytes()
        yield _encoded(description, planes[:, None, chosen], pixels[chosen, 1] + 0.5, by_byte)


def _planes(kernels: Kernels) -> np.ndarray:
    """(planes, n), float64."""
    return np.concatenate([part.astype(np.float64) for part in kernels], 1).T


def _write(file: BinaryIO, description: Description, count: int, bands: Iterator[_Band]) -> int:
    check_description(description)
    start = HEADER.size + CHECKSUM.size + ENTRY.size * count
    file.write(bytes(start))  # header and index come in the end
    entries, kernels = [], 0
    for band in bands:
        file.write(band.content)
        entries.append(band.entry)
        kernels += band.kernels
    (height, width), index = description.size, b"".join(entries)
    header = HEADER.pack(
        MAGIC, VERSION, description.bits, description.per_side, description.channels, description.margin, height, width,
        math.inf if description.reference_scale > 1e308 else float(description.reference_scale), kernels, count,
    )  # fmt: skip
    file.seek(0)
    file.write(header + CHECKSUM.pack(zlib.crc32(index, zlib.crc32(header))) + index)
    return kernels


def _encoded(description: Description, planes: np.ndarray, y: np.ndarray, prefix: bytes) -> _Band:
    """A band of numbers (planes, rows, columns); `y` is where the kernels' offsets along y count from."""
    bits, flat = description.bits, planes.reshape(description.planes, -1)
    _check_values(flat)
    ranges = None if bits == FLOAT16 else np.stack([flat.min(1), flat.max(1)]).astype(np.float32)
    values = _ordered(flat) if ranges is None else _quantised(flat, ranges, bits)
    numbers = numbers_of(values, ranges, bits)  # as they will be read
    coded = values.reshape(planes.shape).copy()
    if description.channels == 3:
        coded[5::2] = (coded[5::2] - coded[6] + 2 ** (bits - 1)) % 2**bits
    left_over = _left_over(coded, bits)
    bytes_apart = (left_over & 0xFF).astype(np.uint8).tobytes() + (left_over >> 8).astype(np.uint8).tobytes()
    deflate = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    stated = b"" if ranges is None else ranges.astype("<f4").tobytes()
    content = deflate.compress(prefix + stated + bytes_apart) + deflate.flush()
    centres, deviation = numbers[1] + y, np.hypot(numbers[3], numbers[4]).max()
    outwards = (
        np.nextafter(np.float32(centres.min()), np.float32(-np.inf)),
        np.nextafter(np.float32(centres.max()), np.float32(np.inf)),
        np.nextafter(np.float32(deviation), np.float32(np.inf)),
    )
    return _Band(content, ENTRY.pack(len(content), zlib.crc32(content), len(y), *outwards), len(y))


def _check_finite(numbers: np.ndarray) -> None:
    if not np.isfinite(numbers).all():
        raise InputError("the field has kernels that are not finite; a file would hold no picture.")


def _check_values(numbers: np.ndarray) -> None:
    _check_finite(numbers)
    if (largest := float(np.abs(numbers).max(initial=0))) > LARGEST_VALUE:
        raise InputError(
            f"the field has a kernel with a value of {largest:g}; a .splat file holds up to {LARGEST_VALUE:g} (float16): "
            "save it as .safetensors."
        )


def _ordered(numbers: np.ndarray) -> np.ndarray:
    """float16 as whole numbers in the same order."""
    patterns = numbers.astype(np.float16).view(np.uint16).astype(np.int32)
    return np.where(patterns & 0x8000, 0xFFFF - patterns, patterns | 0x8000)


def _quantised(numbers: np.ndarray, ranges: np.ndarray, bits: int) -> np.ndarray:
    lowest, highest = ranges.astype(np.float64)[..., None]
    step = (highest - lowest) / (2**bits - 1)
    largest = [float(part.max()) for part in (step[:2], step[2:5], step[5:])]
    excess, coarse, what = max((one / most, one, name) for one, most, name in zip(largest, COARSEST, _WHAT, strict=True))
    if excess > 1:
        enough = bits + math.ceil(math.log2(excess))
        remedy = f"bits={enough} or bits=16" if enough < FLOAT16 else "bits=16"
        raise InputError(f"{bits} bits hold these kernels' {what} in steps of {coarse:.2g}, which would be seen: use {remedy}.")
    return np.clip(np.rint((numbers - lowest) / np.where(step > 0, step, 1)), 0, 2**bits - 1).astype(np.int32)


def _left_over(values: np.ndarray, bits: int) -> np.ndarray:
    """What prediction leaves of values (planes, rows, columns): see docs/field-files.md, "Prediction"."""
    around = np.pad(values, ((0, 0), (1, 0), (1, 0)))
    left, above, corner = around[:, 1:, :-1].copy(), around[:, :-1, 1:], around[:, :-1, :-1].copy()
    left[..., ::SEGMENT] = corner[..., ::SEGMENT] = 0
    predicted = np.maximum(np.minimum(left, above), np.minimum(np.maximum(left, above), left + above - corner))
    rest = (values - predicted) % 2**bits
    signed = np.where(rest < 2 ** (bits - 1), rest, rest - 2**bits)
    return np.where(signed >= 0, 2 * signed, -2 * signed - 1)
