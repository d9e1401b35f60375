"""PSNR against scale."""

import itertools
from pathlib import Path

import matplotlib.figure

from splatsr.metrics.evaluation import Results
from splatsr.metrics.protocol import Protocol
from splatsr.tables.paper import PaperTable

MARKERS = "^v<>DPXp*hH8"
"""Of the papers' rows, in their order."""


def draw_psnr_curve(results: Results, protocol: Protocol, path: Path, *, paper: PaperTable | None) -> None:
    """Writes a PNG: one solid line per test set, bicubic dashed in the same colour; `paper`'s figures for the same set under
    the same protocol as points."""
    figure = matplotlib.figure.Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    ticks: set[float] = set()
    for number, (name, rows) in enumerate(results.items()):
        points = sorted((float(scale.removeprefix("x")), row) for scale, row in rows.items())
        scales = [scale for scale, _ in points]
        ticks |= set(scales)
        for prefix, style, who in (("", "o-", "model"), ("bicubic_", "s--", "bicubic")):
            values = [row[f"{prefix}psnr_{protocol.suffix}"] for _, row in points]
            axis.plot(scales, values, style, color=f"C{number}", markersize=4, label=f"{name}, {who}")
        points = {} if paper is None else paper.points(name, "psnr", protocol)
        for (row, pairs), marker in zip(points.items(), itertools.cycle(MARKERS), strict=False):
            axis.plot(
                *zip(*pairs, strict=True), marker, color=f"C{number}", markersize=5, alpha=0.7, label=f"{name}, {row} (paper)"
            )
            ticks |= {float(scale) for scale, _ in pairs}
    axis.set_xscale("log")
    axis.set_xticks(sorted(ticks), [f"x{tick:g}" for tick in sorted(ticks)])
    axis.minorticks_off()
    axis.set_xlabel("scale")
    axis.set_ylabel(f"PSNR-{'Y' if protocol.luminance else 'RGB'} (dB)")
    axis.set_title(f"protocol {protocol.name}", fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
