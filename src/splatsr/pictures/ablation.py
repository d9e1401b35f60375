"""An ablation as a picture: every cell's PSNR, run by run."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.figure

from splatsr.geometry import Number
from splatsr.metrics.figure import MODEL, scale_name, select
from splatsr.metrics.names import PSNR_NAMES
from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.tables.members import Cell

LONGEST = 40
"""Characters of a cell's name that are shown: the last ones."""


def draw_ablation(cells: Sequence[Cell], path: Path, *, scale: Number) -> None:
    """Writes a PNG: a panel for each test set measured at `scale`, a dot for each run, a bar for the mean of a cell."""
    sets = list(dict.fromkeys(figure.set_name for cell in cells for figure in cell.figures() if figure.scale == scale))
    names = [cell.name if len(cell.name) <= LONGEST else f"...{cell.name[-LONGEST:]}" for cell in cells]
    beside = 0.5 + 0.07 * max(map(len, names), default=0)  # inches per character at 8 points
    size = (1 + max(len(sets), 1) * (4 + beside), 1.6 + 0.35 * len(cells))
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    for axis, set_name in zip(figure.subplots(1, max(len(sets), 1), squeeze=False)[0], sets, strict=False):
        for row, cell in enumerate(cells):
            values = _psnr(cell, set_name, scale)
            axis.plot(values, [row] * len(values), "o", color=f"C{row}", markersize=5, alpha=0.6)
            if values:
                axis.plot([sum(values) / len(values)], [row], "|", color=f"C{row}", markersize=18)
        axis.set_yticks(range(len(cells)), map(as_label, names), fontsize=8)
        axis.set_ylim(len(cells) - 0.5, -0.5)
        axis.set_xlabel(f"PSNR (dB), {as_label(set_name)} {scale_name(scale)}")
        axis.grid(alpha=0.3)
    save_drawing(figure, path, dpi=100)


def _psnr(cell: Cell, set_name: str, scale: Number) -> list[float]:
    """Of every finished member, in dB."""
    return [
        figure.value
        for record in cell.records
        for figure in select(record.evaluation.figures, set_name=set_name, scale=scale, metric=PSNR_NAMES, method=MODEL)
    ]
