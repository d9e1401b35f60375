"""Some rows of an LR image's field: bands are appended at the bottom, rows that are no longer needed are dropped at the top."""

import math
from typing import Any

from splatsr.geometry import Number, Output, Strip
from splatsr.image.tiling import Span, counted_from

PIXEL_SUPPORT = 2
"""Output pixels around its own that a pixel may average over (footprint, rounding)."""


class EncodedRows:
    """Rows [first, end) of a field on its way to an output.

    Args:
        output: the whole output.
        lr_size: (h, w) of the whole LR image.
        support: how far outside its LR pixel a kernel can still contribute, in LR pixels (`Tiling.support`).
        margin: LR pixels by which the image is continued on all sides. Rows here are those of the continued image.
    """

    def __init__(self, output: Output, lr_size: tuple[int, int], support: Number, margin: int) -> None:
        self.output, self.lr_size, self.margin = output, lr_size, margin
        self.ratio = output.size[0] / lr_size[0]
        # Positions follow the true ratio, kernels the nominal scale, which may be larger.
        self.support = support * max(1.0, output.scale[0] / self.ratio) + PIXEL_SUPPORT / self.ratio
        self.field: Any = None
        self.first = self.end = 0

    @property
    def ready(self) -> int:
        """The output row up to which no later band can contribute anything; may be negative, or all of the output."""
        if self.end == self.lr_size[0] + 2 * self.margin:
            return self.output.size[0]
        return min(math.floor((self.end - self.margin - self.support) * self.ratio), self.output.size[0])

    def append(self, band: Any) -> None:
        """Adds the field of the next rows of the LR image."""
        self.field = band if self.field is None else band.join([[self.field], [band]])
        self.end += band.size[0]

    def strip(self, rows: Span) -> tuple[Any, Strip]:
        """The part of the field that contributes to those rows of the output, and the strip that it renders."""
        needed = self._touched(self._row(rows[0]) - self.support, self._row(rows[1]) + self.support)
        return self._part(needed), Strip(self.output, self.lr_size, rows, origin=needed[0] - self.margin, left=-self.margin)

    def drop(self, done: int) -> None:
        """Forgets the rows that contribute to none of the output's rows from `done` on."""
        if self.field is not None:
            kept = self._touched(self._row(done) - self.support, self.end)
            self.field = self._part(kept)
            self.first = kept[0]

    def _part(self, rows: Span) -> Any:
        return self.field.crop(rows=counted_from(self.first, rows), columns=(0, self.field.size[1]))

    def _row(self, output_row: int) -> float:
        return output_row / self.ratio + self.margin

    def _touched(self, first: Number, end: Number) -> Span:
        """The whole rows that [first, end) touches, of those that are here."""
        return max(math.floor(first), self.first), min(math.ceil(end), self.end)
