"""Fields for .splat files: a grid of random kernels, kernels without cells, and a photograph's."""

import functools
import math
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from kernel_fields import random_field
from splatsr import GaussianField, load
from splatsr.data.photos import held_out_photographs
from splatsr.geometry import cell_corners
from splatsr.resize.levels import to_tensor


def grid_field(
    size: tuple[int, int] = (7, 5), *, per_side: int = 2, margin: int = 0, channels: int = 3, seed: int = 0
) -> GaussianField:
    """Kernels in cells with random drifts of up to 1 LR pixel, shapes of every sign, and colors."""
    draw = torch.Generator().manual_seed(seed)
    height, width = (side + 2 * margin for side in size)
    corners = cell_corners(height, width, per_side)[None] - margin
    n = corners.shape[1]
    return GaussianField(
        means=corners + 2 * torch.rand(1, n, 2, generator=draw) - 1,
        cholesky=0.15 * torch.randn(1, n, 3, generator=draw) + torch.tensor([0.4, 0, 0.4]),
        colors=torch.rand(1, n, channels, generator=draw) - 0.3,
        size=size,
        margin=margin,
    )


def free_field(size: tuple[int, int] = (9, 12), *, kernels: int = 61) -> GaussianField:
    """Kernels in no cells, some outside the image."""
    means, cholesky, colors = random_field(size, kernels=kernels)
    return GaussianField(means=means, cholesky=cholesky / 3, colors=colors, size=size, reference_scale=2)


@functools.cache
def photographs_field(height: int = 64, width: int = 96) -> GaussianField:
    """That of a photograph that comes along, by the model that does, continued beyond its border."""
    model = load("tiny")
    model.continue_images()
    with Image.open(held_out_photographs()["photos"][1]) as photograph:
        lr = np.asarray(photograph.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))
    with torch.inference_mode():
        return replace(model(to_tensor(lr)[None]))


def levels(image: torch.Tensor) -> torch.Tensor:
    """As a file of 8 bits holds it."""
    return (image.clamp(0, 1) * 255).round()


def nearly(values: torch.Tensor) -> torch.Tensor:
    """By how much float16 may move them: half of its spacing there."""
    return torch.maximum(values.abs() * 2.0**-11, torch.full_like(values, 2.0**-25)) * (1 + 1e-6) + math.ulp(64.0)
