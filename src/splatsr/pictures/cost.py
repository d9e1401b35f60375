"""Time and memory against scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.figure


def draw_cost(models: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Writes a PNG: time to render (first LR size; hollow: interpolated) and peak memory, one line per model."""
    figure = matplotlib.figure.Figure(figsize=(12.5, 4.5), layout="constrained")
    time, memory = figure.subplots(1, 2)
    colors = matplotlib.colormaps["tab20"].colors
    for number, (name, result) in enumerate(models.items()):
        color = colors[(2 * number + number // 10) % 20]  # the strong ten first
        average = result["average_time"][0]
        points = {float(scale[1:]): ms for scale, ms in average["render_ms_at"].items()}
        hollow = [scale for scale in points if f"x{scale:g}" not in average["measured"]]
        time.plot(points.keys(), points.values(), "o-", color=color, markersize=3, label=name)
        time.plot(hollow, [points[scale] for scale in hollow], "o", color=color, markersize=3, markerfacecolor="white")
        peaks = {float(scale[1:]): peak for scale, peak in result["memory"]["render_mb_at"].items()}
        memory.plot(peaks.keys(), peaks.values(), "o-", color=color, markersize=3, label=name)
    height, width = average["lr_size"]
    time.set_title(f"time to render, LR {width}x{height}, encoded once", fontsize=10)
    time.set_ylabel("ms")
    height, width = next(iter(models.values()))["memory"]["lr_size"]
    memory.set_title(f"peak memory of rendering, LR {width}x{height}", fontsize=10)
    memory.set_ylabel("MB beyond the start")
    time.set_yscale("log")
    for axis in (time, memory):
        axis.set(xscale="log", xlabel="scale")
        axis.set_xticks([4, 8, 16, 32, 48], ["x4", "x8", "x16", "x32", "x48"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.legend(*time.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.savefig(path, dpi=110)
