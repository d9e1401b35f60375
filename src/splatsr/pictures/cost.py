"""Time and memory against scale."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import matplotlib.figure

from splatsr.metrics.model_cost import ModelCost
from splatsr.pictures.drawing import as_label, save_drawing


def draw_cost(models: Mapping[str, ModelCost], path: Path) -> None:
    """Writes a PNG: time to render (first LR size; hollow: interpolated) and peak memory, one line per model."""
    figure = matplotlib.figure.Figure(figsize=(12.5, 4.5), layout="constrained")
    time, memory = figure.subplots(1, 2)
    colors = matplotlib.colormaps["tab20"]
    for index, (name, cost) in enumerate(models.items()):
        color = colors((2 * index + index // 10) % 20)  # the strong ten first
        times = cost.average_time[0].render_ms_at
        hollow = [scale for scale in times if scale not in cost.average_time[0].measured]
        time.plot(times.keys(), times.values(), "o-", color=color, markersize=3, label=as_label(name))
        time.plot(hollow, [times[scale] for scale in hollow], "o", color=color, markersize=3, markerfacecolor="white")
        peaks = cost.memory.render_mb_at
        memory.plot(peaks.keys(), peaks.values(), "o-", color=color, markersize=3, label=as_label(name))
    first = next(iter(models.values()))
    height, width = first.average_time[0].lr_size
    time.set_title(f"time to render, LR {width}x{height}, encoded once", fontsize=10)
    time.set_ylabel("ms")
    height, width = first.memory.lr_size
    memory.set_title(f"peak memory of rendering, LR {width}x{height}", fontsize=10)
    memory.set_ylabel("MB beyond the start")
    time.set_yscale("log")
    for axis in (time, memory):
        axis.set(xscale="log", xlabel="scale")
        axis.set_xticks([4, 8, 16, 32, 48], ["x4", "x8", "x16", "x32", "x48"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.legend(*time.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    save_drawing(figure, path, dpi=110)
