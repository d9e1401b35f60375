"""What a field is made of, in figures: how many of its kernels do anything, and how much of the image they reach."""

from dataclasses import replace

import torch

from splatsr.geometry import Number
from splatsr.image.field import GaussianField

VISIBLE = 1 / 255
"""A kernel whose peak stays below one grey level in every channel is dead."""


@torch.no_grad()
def describe_field(field: GaussianField, scale: Number = 4) -> dict[str, float]:
    """Statistics over all images of the batch; Cholesky entries in pixels of a x4 image, the prior's unit.

    Returns:
        kernels (per image), dead (share of them that shows nowhere: peak below 1/255 or no area), coverage (share of the
        pixels at `scale` that some kernel reaches), level_low and level_high (1 and 99 % of the sum of all kernels with peak
        1: an even field has them close together), and mean and deviation of l11, l21, l22.
    """
    peak = field.colors.abs().amax(-1)
    area = field.cholesky[..., 0].abs() * field.cholesky[..., 2].abs()
    level = level_image(field, scale)
    figures = {
        "kernels": float(len(field)),
        "dead": ((peak < VISIBLE) | (area == 0)).float().mean().item(),
        "coverage": (level > 0).float().mean().item(),
        "level_low": level.flatten().kthvalue(max(1, level.numel() // 100)).values.item(),
        "level_high": level.flatten().kthvalue(max(1, level.numel() * 99 // 100)).values.item(),
    }
    for place, entry in enumerate(("l11", "l21", "l22")):
        values = 4 * field.cholesky[..., place]
        figures |= {f"{entry}_mean": values.mean().item(), f"{entry}_deviation": values.std().item()}
    return figures


@torch.no_grad()
def level_image(field: GaussianField, scale: Number) -> torch.Tensor:
    """The sum of all kernels with peak 1, (B, 1, H, W): where it is 0 no kernel reaches."""
    return replace(field, colors=torch.ones_like(field.colors[..., :1])).render(scale=scale)
