"""An ablation as a picture: every cell's PSNR, run by run."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.figure

from splatsr.tables.members import Cell

LONGEST = 40
"""Characters of a cell's name that are shown: the last ones."""


def draw_ablation(cells: Sequence[Cell], path: Path, *, scale: str) -> None:
    """Writes a PNG: a panel for each test set measured at `scale` ("x4"), a dot for each run, a bar for the mean of a cell."""
    found = [(cell.name, cell.figures()) for cell in cells]
    sets = list(dict.fromkeys(name for _, figures in found for name, rows in figures.items() if scale in rows))
    names = [cell.name if len(cell.name) <= LONGEST else f"...{cell.name[-LONGEST:]}" for cell in cells]
    beside = 0.5 + 0.07 * max(map(len, names), default=0)  # inches per character at 8 points
    size = (1 + max(len(sets), 1) * (4 + beside), 1.6 + 0.35 * len(cells))
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    for axis, name in zip(figure.subplots(1, max(len(sets), 1), squeeze=False)[0], sets, strict=False):
        for place, cell in enumerate(cells):
            rows = [
                member.record["sets"][name][scale] for member in cell.finished if scale in member.record["sets"].get(name, {})
            ]
            values = [value for row in rows for metric, value in row.items() if metric.startswith("psnr")]
            axis.plot(values, [place] * len(values), "o", color=f"C{place}", markersize=5, alpha=0.6)
            if values:
                axis.plot([sum(values) / len(values)], [place], "|", color=f"C{place}", markersize=18)
        axis.set_yticks(range(len(cells)), names, fontsize=8)
        axis.set_ylim(len(cells) - 0.5, -0.5)
        axis.set_xlabel(f"PSNR (dB), {name} {scale}")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
