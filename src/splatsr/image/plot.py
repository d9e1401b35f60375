"""A field to look at: its image, and over it the kernels that it is made of."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from splatsr.resize.levels import to_uint8

if TYPE_CHECKING:
    from splatsr.image.field import GaussianField

SIDE = 1024
"""Pixels along the longer side of the picture that is drawn."""

MOST = 20_000
"""Kernels that are drawn; more could not be told apart, and would take minutes."""


@torch.inference_mode()
def plot_field(field: "GaussianField", *, kernels: bool = True) -> Figure:
    """The first image of the batch in LR pixels, and every kernel's ellipse of one standard deviation in its color."""
    height, width = field.size
    figure = Figure(figsize=(8, max(8 * height / width, 1)), layout="constrained")
    axis = figure.subplots()
    first = field.first()
    axis.imshow(to_uint8(first.render(scale=SIDE / max(height, width))[0, :3]), extent=(0, width, height, 0))
    if kernels and len(field) <= MOST:
        means, shapes = first.means[0].cpu().double().numpy(), first.cholesky[0].cpu().double().numpy()
        factors = np.zeros((len(means), 2, 2))
        factors[:, 0, 0], factors[:, 1, 0], factors[:, 1, 1] = shapes.T
        directions, lengths, _ = np.linalg.svd(factors)
        angles = np.degrees(np.arctan2(directions[:, 1, 0], directions[:, 0, 0]))
        colors = first.colors[0, :, :3].cpu().clamp(0, 1).numpy()
        ellipses = EllipseCollection(
            2 * lengths[:, 0], 2 * lengths[:, 1], angles, units="xy", offsets=means, offset_transform=axis.transData,
            facecolors="none", edgecolors=colors, linewidths=0.7,
        )  # fmt: skip
        axis.add_collection(ellipses)
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.set_title(f"{len(field)} kernels, {width}x{height} LR pixels")
    return figure
