"""The field itself: where the kernels sit (as ContinuousSR's figure 6), how they are shaped, what they cover."""

from pathlib import Path

import matplotlib.figure
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from splatsr.image.field import GaussianField
from splatsr.image.field_statistics import dc_gain_image, describe_field
from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.prior.statistics import PRIOR, PublishedEntry
from splatsr.resize.levels import to_uint8

SIDE = 48
"""LR pixels along either axis whose kernels are drawn; more could not be told apart."""


def draw_field(field: GaussianField, lr: Float[Tensor, "3 h w"], path: Path, *, title: str) -> None:
    """Writes a PNG of the first image's field: centres over the LR image, histograms of (l11, l21, l22) against the prior,
    the sum of the kernels with peak 1, and the figures of `describe_field` below."""
    figure = matplotlib.figure.Figure(figsize=(16, 4.2), layout="constrained")
    axes = figure.subplots(1, 5, width_ratios=[1.3, 1, 1, 1, 1.3])
    _draw_centres(axes[0], field, lr)
    entries = 4 * field.cholesky[0].detach().cpu().numpy()  # of a x4 image, as the prior's
    for axis, column, (name, prior) in zip(axes[1:4], entries.T, PRIOR.items(), strict=True):
        _draw_entry(axis, column, name, prior)
    total = dc_gain_image(field, 4)[0, 0].cpu().numpy()
    picture = axes[4].imshow(total, cmap="viridis", vmin=0, vmax=max(float(np.quantile(total, 0.99)), 1e-6))
    axes[4].set_title("sum of the kernels with peak 1, x4", fontsize=10)
    axes[4].set_axis_off()
    figure.colorbar(picture, ax=axes[4], shrink=0.8)
    figures = describe_field(field)
    figure.suptitle(
        f"{as_label(title)}: {figures['kernels']:.0f} kernels, {100 * figures['dead']:.1f} % dead, "
        f"{100 * figures['coverage']:.1f} % of the pixels covered",
        fontsize=11,
    )
    save_drawing(figure, path, dpi=90)


def _draw_centres(axis: Axes, field: GaussianField, lr: Tensor) -> None:
    """Centres in the middle of the LR image, in its corner-based coordinates."""
    height, width = field.size
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    axis.imshow(to_uint8(lr), extent=(0, width, height, 0), interpolation="nearest")
    x, y = field.means[0].detach().cpu().numpy().T
    axis.scatter(x, y, s=2, color="red", linewidths=0)
    axis.set_xlim(left, min(left + SIDE, width))
    axis.set_ylim(min(top + SIDE, height), top)
    axis.set_title("kernel centres over the LR image", fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_entry(axis: Axes, values: np.ndarray, name: str, prior: PublishedEntry) -> None:
    mean, deviation = prior.mean, prior.deviation
    edges = np.linspace(min(prior.lowest, mean - 3 * deviation), max(prior.highest, mean + 3 * deviation), 61)
    axis.hist(np.clip(values, edges[0], edges[-1]), bins=edges.tolist(), density=True, color="C0", label="field")
    bell = np.exp(-0.5 * ((edges - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    axis.plot(edges, bell, color="C1", label="prior")
    axis.axvspan(prior.lowest, prior.highest, color="C1", alpha=0.12, label="the paper's range")
    axis.set_title(f"{name}, pixels of a x4 image", fontsize=10)
    axis.set_yticks([])
    axis.legend(fontsize=7)
