"""PSNR against scale."""

from pathlib import Path

import matplotlib.figure

from splatsr.metrics.evaluation import Results
from splatsr.metrics.protocol import Protocol


def draw_psnr_curve(results: Results, protocol: Protocol, path: Path) -> None:
    """Writes a PNG: one solid line per test set, bicubic dashed in the same colour."""
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
    axis.set_xscale("log")
    axis.set_xticks(sorted(ticks), [f"x{tick:g}" for tick in sorted(ticks)])
    axis.minorticks_off()
    axis.set_xlabel("scale")
    axis.set_ylabel(f"PSNR-{'Y' if protocol.luminance else 'RGB'} (dB)")
    axis.set_title(f"protocol {protocol.name}", fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)
