"""PSNR against scale."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import matplotlib.figure

from splatsr.metrics.figure import BICUBIC, MODEL, Figure, scale_name, select
from splatsr.metrics.protocol import Protocol
from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.tables.paper import PaperTable

MARKERS = "^v<>DPXp*hH8"
"""Of the papers' rows, in their order."""

LINES = {MODEL: "o-", BICUBIC: "s--"}
"""Of each method."""


def draw_psnr_curve(figures: Sequence[Figure], protocol: Protocol, path: Path, *, paper: PaperTable | None) -> None:
    """Writes a PNG: one solid line per test set, bicubic dashed in the same color; `paper`'s figures for the same set under
    the same protocol as points."""
    metric = protocol.metric("psnr")
    canvas = matplotlib.figure.Figure(figsize=(6, 4), layout="constrained")
    axis = canvas.subplots()
    ticks: set[float] = set()
    for index, set_name in enumerate(dict.fromkeys(figure.set_name for figure in figures)):
        for method, line in LINES.items():
            found = select(figures, set_name=set_name, metric=metric.name, method=method)
            points = sorted((figure.scale, figure.value) for figure in found)
            axis.plot(
                *zip(*points, strict=True), line, color=f"C{index}", markersize=4, label=as_label(f"{set_name}, {method}")
            )
            ticks |= {scale for scale, _ in points}
        rows = {} if paper is None else paper.points(set_name, "psnr", protocol)
        for (row, points), marker in zip(rows.items(), itertools.cycle(MARKERS), strict=False):
            label = f"{set_name}, {row} (paper)"
            axis.plot(*zip(*points, strict=True), marker, color=f"C{index}", markersize=5, alpha=0.7, label=as_label(label))
            ticks |= {float(scale) for scale, _ in points}
    axis.set_xscale("log")
    axis.set_xticks(sorted(ticks), [scale_name(tick) for tick in sorted(ticks)])
    axis.minorticks_off()
    axis.set_xlabel("scale")
    axis.set_ylabel(metric.heading)
    axis.set_title(as_label(f"protocol {protocol.name}"), fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    save_drawing(canvas, path, dpi=110)
