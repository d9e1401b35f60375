"""A bank of kernels (GaussianSR's, as its figure 5): which of them are chosen, and how large they are."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.figure
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.resize.levels import to_uint8


def draw_bank(
    table: Float[Tensor, "k 4"],
    shares: Sequence[Float[Tensor, "k _ _"]],
    lrs: Sequence[Float[Tensor, "3 _ _"]],
    path: Path,
    *,
    title: str,
) -> None:
    """Writes a PNG: the bank's kernels as one-sigma ellipses, brighter the more they are chosen; how often each is chosen; the
    sizes of the bank and of what is chosen; the first LR image and the size chosen in each of its pixels.

    Args:
        table: (vertical sigma, horizontal sigma, opacity, correlation) of every kernel, see `GaussianBank.table`.
        shares: of every kernel in every pixel, one for each image.
        lrs: the images.
        path: where to.
        title: above it all.
    """
    table = table.detach()
    chosen = torch.cat([share.flatten(1) for share in shares], dim=1).mean(1).numpy()
    sizes = (table[:, 0] * table[:, 1]).abs().sqrt()
    figure = matplotlib.figure.Figure(figsize=(18, 4), layout="constrained")
    axes = figure.subplots(1, 5)
    _draw_ellipses(axes[0], table.numpy(), chosen)
    _draw_counts(axes[1], chosen)
    _draw_sizes(axes[2], sizes.numpy(), chosen)
    axes[3].imshow(to_uint8(lrs[0]), interpolation="nearest")
    axes[3].set_title("LR image", fontsize=10)
    picture = axes[4].imshow(torch.einsum("khw,k->hw", shares[0], sizes).numpy(), cmap="viridis", interpolation="nearest")
    axes[4].set_title("size chosen in each pixel", fontsize=10)
    figure.colorbar(picture, ax=axes[4], shrink=0.8)
    for axis in (axes[0], *axes[3:]):
        axis.set_xticks([])
        axis.set_yticks([])
    used = (chosen > 0.1 / len(chosen)).sum()
    figure.suptitle(f"{as_label(title)}: {used} of {len(chosen)} kernels chosen more than a tenth of evenly", fontsize=11)
    save_drawing(figure, path, dpi=90)


def _draw_ellipses(axis: Axes, table: np.ndarray, chosen: np.ndarray) -> None:
    """In the bank's own order: vertical sigma grows downwards at first, horizontal sigma to the right."""
    side = round(len(table) ** 0.5)
    angle = np.linspace(0, 2 * np.pi, 33)
    cell = 2.2 * max(float(np.abs(table[:, :2]).max()), 1e-6)
    axis.set_facecolor("black")
    colors = matplotlib.colormaps["inferno"](0.15 + 0.85 * chosen / max(float(chosen.max()), 1e-12))
    for index, (sigma_v, sigma_h, _, rho) in enumerate(table):
        row, column = divmod(index, side)
        down = sigma_v * (rho * np.cos(angle) + np.sqrt(max(1 - rho**2, 0)) * np.sin(angle))
        axis.plot(column + sigma_h * np.cos(angle) / cell, row + down / cell, color=colors[index], linewidth=1)
    axis.set_aspect("equal")
    axis.set_ylim(side - 0.5, -0.5)
    axis.set_title("the bank, one sigma; bright: chosen often", fontsize=10)


def _draw_counts(axis: Axes, chosen: np.ndarray) -> None:
    order = np.argsort(-chosen)
    axis.bar(np.arange(len(chosen)), 100 * chosen[order], width=1.0)
    axis.axhline(100 / len(chosen), color="C1", label="evenly")
    axis.set(xlabel="kernels, most chosen first", ylabel="% of the pixels")
    axis.set_title("how often each is chosen", fontsize=10)
    axis.legend(fontsize=8)


def _draw_sizes(axis: Axes, sizes: np.ndarray, chosen: np.ndarray) -> None:
    edges = np.linspace(0, max(float(sizes.max()), 1e-6), 21).tolist()
    axis.hist(sizes, bins=edges, weights=np.full(len(sizes), 1 / len(sizes)), histtype="step", color="C1", label="in the bank")
    axis.hist(sizes, bins=edges, weights=chosen, alpha=0.6, color="C0", label="chosen")
    axis.set(xlabel="sqrt(sigma_x sigma_y)", ylabel="share")
    axis.set_title("sizes", fontsize=10)
    axis.legend(fontsize=8)
