"""A field that stays in its .splat file: of its kernels those are read that the rows need which are rendered."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Number, Scale, Strip, resolve_output
from splatsr.image.field import GaussianField
from splatsr.image.splat_file import as_input_errors, check_memory, is_splat, open_splat
from splatsr.image.window import Interval, check_window
from splatsr.splat_files.reader import KAPPA, REACH, Band, Kernels

_KEPT = 4
"""Bands that stay decoded: a strip begins where the one above it ended."""


class FieldOnDisk:
    """Renders in strips, in memory for what a strip needs; as `GaussianField.load` of the same file, to float32 rounding.

    Args:
        path: of a .splat file.
        device: where it is rendered.

    Raises:
        InputError: the file is missing, damaged, no field, or of a newer version.
    """

    def __init__(self, path: str | Path, device: torch.device | str = "cpu") -> None:
        self.file, self.device = open_splat(path), device
        self._decoded = lru_cache(maxsize=_KEPT)(self._decode)

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return self.file.size

    @property
    def channels(self) -> int:
        """Of a color."""
        return self.file.channels

    @property
    def kernels_per_row(self) -> float:
        """Kernels by rows of the LR image."""
        return self.file.kernels / self.size[0]

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "1 c height width"]:
        """As `GaussianField.render`, the whole output at once."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self.render_strip(Strip(output, self.size, (0, output.size[0]), origin=0))

    def render_strip(self, strip: Strip) -> Float[Tensor, "1 c rows width"]:
        """As `GaussianField.render_strip`; InputError where a band is damaged that the strip needs, or memory too small."""
        (ratio_y, ratio_x), (scale_y, scale_x) = strip.ratio, strip.output.scale
        top, bottom = (row / ratio_y - strip.origin for row in strip.rows)
        left, right = -strip.left, strip.output.size[1] / ratio_x - strip.left
        row, column = int(np.floor(top)), int(np.floor(left))  # kernels count from here: float32 is finest near 0
        stretch, pixels = np.array([scale_x / ratio_x, scale_y / ratio_y]), np.array([1 / ratio_x, 1 / ratio_y])
        parts = [Kernels(*(np.empty((0, columns), np.float32) for columns in (2, 3, self.channels)))]
        held = 0
        for band in self.file.touching(top, bottom, stretch=float(stretch[1]), pixels=float(pixels[1])):
            first, (means, cholesky, colors) = self._decoded(band)
            means = means + np.array([-column, first - row], np.float32)
            deviations = np.stack([np.abs(cholesky[:, 0]), np.hypot(cholesky[:, 1], cholesky[:, 2])], 1)
            reach = REACH * np.sqrt((stretch * deviations) ** 2 + KAPPA * pixels**2) + pixels
            near = (means + reach >= (left - column, top - row)) & (means - reach <= (right - column, bottom - row))
            parts.append(Kernels(*(part[near.all(1)] for part in (means, cholesky, colors))))
            held += len(parts[-1].means)
            check_memory(f"{self.file.path} has at some rows", held, self.channels, "it cannot be rendered here")
        joined = [torch.from_numpy(np.concatenate(part))[None].to(self.device) for part in zip(*parts, strict=True)]
        field = GaussianField(joined[0], joined[1], joined[2], self.size, self.file.reference_scale)
        return field.render_strip(strip._replace(origin=strip.origin + row, left=strip.left + column))

    def _decode(self, band: Band) -> tuple[int, Kernels]:
        """(LR row that y counts from, the kernels)."""
        first = int(np.floor(band.top))
        with as_input_errors(self.file.path):
            return first, self.file.read(band, first)


class WindowInStrips:
    """A rectangle of a field's LR image as an image of its own, which renders in strips what `field.window` renders at once.

    Args:
        field: a `GaussianField` of one image, or one on a disk.
        rows: [first, end) in LR pixels, with fractions.
        columns: likewise.

    Raises:
        InputError: they are no rectangle in the image.
    """

    def __init__(self, field: FieldOnDisk | GaussianField, rows: Interval, columns: Interval) -> None:
        check_window(rows, columns, field.size)
        self.field, self.rows, self.columns = field, rows, columns

    @property
    def size(self) -> tuple[Number, Number]:
        """(height, width) in LR pixels."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def kernels_per_row(self) -> float:
        """Of the whole field."""
        return self.field.kernels_per_row

    def render_strip(self, strip: Strip) -> Float[Tensor, "1 c rows width"]:
        """Those rows of an output of the window; `strip.lr_size` is `size`."""
        return self.field.render_strip(strip._replace(origin=strip.origin - self.rows[0], left=strip.left - self.columns[0]))


def open_field(path: str | Path, device: torch.device | str) -> FieldOnDisk | GaussianField:
    """A field's file for rendering: a .splat stays on the disk, others are loaded; InputError as `GaussianField.load`."""
    return FieldOnDisk(path, device) if is_splat(path) else GaussianField.load(path).to(device)
