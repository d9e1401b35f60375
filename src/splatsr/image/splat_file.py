"""A GaussianField as a .splat file: the room `splat_files` with tensors, and with errors as everywhere else."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch
from torch import Tensor

from splatsr.disk.free_space import in_words
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError
from splatsr.image.field_file import FieldContent
from splatsr.splat_files.reader import MAGIC, Kernels, SplatFile, SplatFileError
from splatsr.splat_files.writer import Description, cell_offsets, check_description, write_cells, write_free

if TYPE_CHECKING:
    from splatsr.image.field import GaussianField

SUFFIX = ".splat"

FARTHEST = 4.0
"""LR pixels from the centre of its cell along either axis; kernels that are further off are taken for being in no cells. Up to
there float16 places them to 1/1000."""

_COPIES = 3
"""Of a field while it is read: bands, their sum, and a tensor."""


def is_splat(path: str | Path, *, new: bool = False) -> bool:
    """Whether the file is a .splat by its name or, where it is not `new`, by how it begins."""
    path = Path(path)
    if path.suffix.lower() == SUFFIX:
        return True
    if new or not os.path.isfile(path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_splat(path: str | Path, content: FieldContent, bits: int, *, replace: bool = True) -> tuple[int, int]:
    """Never leaves a half-written file; returns (kernels, bytes). InputError as `GaussianField.save`.

    Args:
        path: of the file.
        content: of one image.
        bits: as of `GaussianField.save`.
        replace: whether it may take the place of another.
    """
    if len(content.means) != 1:
        raise InputError(
            f"{path}: a .splat file holds one image, and this field is a batch of {len(content.means)}: save field.first(), or "
            "all of them as .safetensors."
        )
    means, cholesky, colors = (_array(part[0]) for part in (content.means, content.cholesky, content.colors))
    per_side = _cells_per_side(content)
    description = Description(content.size, content.reference_scale, content.margin, per_side, colors.shape[1], bits)
    check_description(description)
    if per_side:
        offsets = cell_offsets(means, per_side, description.cells[1], row=0, margin=content.margin)
        if not (np.abs(offsets) <= FARTHEST).all():
            description, per_side = description._replace(per_side=0), 0
    with whole_file(path, replace=replace) as partial:
        with partial.open("wb") as file:
            if per_side:
                write_cells(file, description, [Kernels(means, cholesky, colors)], margin=content.margin)
            else:
                write_free(file, description, Kernels(means, cholesky, colors))
        return len(means), partial.stat().st_size


def write_bands(
    path: str | Path, bands: "Iterator[GaussianField]", *, size: tuple[int, int], margin: int, bits: int
) -> tuple[int, int]:
    """Writes a field that comes in bands of whole rows, and takes the place of no file; returns (kernels, bytes).

    Args:
        path: of the file.
        bands: from top to bottom, of one image, with k x k kernels per LR pixel; together they are the image and its margin.
        size: (height, width) of the LR image.
        margin: LR pixels by which the bands reach beyond it on all sides.
        bits: as of `GaussianField.save`.

    Raises:
        InputError: as `GaussianField.save`; or there is such a file.
    """
    first = next(bands)
    per_side = math.isqrt(len(first) // math.prod(first.size))
    description = Description(size, first.reference_scale, margin, per_side, first.colors.shape[-1], bits)
    check_description(description)

    blocks = (
        Kernels(*(_array(part[0]) for part in (band.means, band.cholesky, band.colors))) for band in chain([first], bands)
    )
    with whole_file(path, replace=False) as partial:
        with partial.open("wb") as file:
            kernels = write_cells(file, description, blocks, margin=0)
        return kernels, partial.stat().st_size


def open_splat(path: str | Path) -> SplatFile:
    """The file, its header and index read.

    Raises:
        InputError: it is missing, damaged, no field, or of a newer version.
    """
    path = Path(path)
    if not os.path.isfile(path):  # False too where the system takes no such name
        raise InputError(f"{path}: no such file; expected a field written by GaussianField.save or job=field.")
    with as_input_errors(path):
        return SplatFile(path)


def read_splat(path: str | Path) -> FieldContent:
    """What `write_splat` wrote, on the CPU; InputError as `open_splat`, and where it does not fit into memory."""
    file = open_splat(path)
    check_memory(f"{path} holds", file.kernels, file.channels, "job=render renders it piece by piece")
    with as_input_errors(path):
        bands = [file.read(band) for band in file.bands]
    empty = Kernels(*(np.empty((0, columns), np.float32) for columns in (2, 3, file.channels)))
    means, cholesky, colors = (torch.from_numpy(np.concatenate(part))[None] for part in zip(empty, *bands, strict=True))
    return FieldContent(means, cholesky, colors, file.size, file.reference_scale, file.margin)


def check_memory(what: str, kernels: int, channels: int, remedy: str) -> None:
    """InputError where so many kernels do not fit into memory."""
    needed, free = _COPIES * 4 * (5 + channels) * kernels, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"{what} {kernels} kernels, which take about {in_words(needed)} of memory, and {in_words(free)} are free: {remedy}."
        )


@contextmanager
def as_input_errors(path: str | Path) -> Iterator[None]:
    """What reading a file raises, as InputError."""
    try:
        yield
    except SplatFileError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _cells_per_side(content: FieldContent) -> int:
    """Kernels per LR pixel along either axis, by their number; 0 where they cannot be in cells."""
    height, width = (side + 2 * content.margin for side in content.size)
    per_side = math.isqrt(content.means.shape[1] // (height * width))
    return per_side if per_side < 2**8 and per_side**2 * height * width == content.means.shape[1] else 0


def _array(part: Tensor) -> np.ndarray:
    return part.detach().cpu().to(torch.promote_types(part.dtype, torch.float32)).numpy()
