"""How fitted kernels are shaped, against the ranges that ContinuousSR gives for the Deep Gaussian Prior."""

from pathlib import Path

import matplotlib.figure
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.prior.statistics import PRIOR, UNITS, correlations, shape_values


def draw_prior(kernels: Float[Tensor, "n 3"], path: Path, *, title: str) -> None:
    """Writes a PNG: a histogram of every entry of L and of Sigma = L L^T, the paper's ranges, and the correlations."""
    figure = matplotlib.figure.Figure(figsize=(16, 7), layout="constrained")
    axes = figure.subplots(2, 4)
    values = shape_values(kernels)
    for axis, name in zip((*axes[0, :3], *axes[1]), UNITS, strict=True):
        _draw_entry(axis, values[name], name)
    axes[0, 3].set_axis_off()
    axes[0, 3].set_title("correlations", fontsize=10)
    listed = "\n".join(f"{names:<8} {value:6.2f}" for names, value in correlations(values).items())
    axes[0, 3].text(0.1, 0.95, listed, va="top", family="monospace", fontsize=10, transform=axes[0, 3].transAxes)
    figure.suptitle(as_label(title), fontsize=11)
    save_drawing(figure, path, dpi=90)


def _draw_entry(axis: Axes, values: np.ndarray, name: str) -> None:
    known = values[~np.isnan(values)]
    low, median, high = np.percentile(known, [0.5, 50, 99.5])
    edges = np.linspace(low - 1e-6, high + 1e-6, 81)
    axis.hist(known, bins=edges.tolist(), density=True, color="C0", label="fitted, 99 % shown")
    axis.axvline(median, color="black", linewidth=1, label=f"median {median:.2f}")
    if name in PRIOR:
        mean, deviation, lowest, highest = PRIOR[name]
        x = np.linspace(min(low, lowest), max(high, highest), 200)
        bell = np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        axis.plot(x, bell, color="C1", label="published dictionary's centre and step")
        axis.axvspan(lowest, highest, color="C1", alpha=0.12, label="the paper's range")
    axis.set_title(f"{name}, {UNITS[name]}" if UNITS[name] else name, fontsize=10)
    axis.set_yticks([])
    axis.margins(y=0.4)  # leaves space for the legend
    axis.legend(fontsize=7, loc="upper right")  # the best place is slow to find
