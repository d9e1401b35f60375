"""What a field is made of, in figures: how many of its kernels do anything, and how much of the image they cover."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Number
from splatsr.image.field import GaussianField

VISIBLE = 1 / 255
"""A kernel whose peak stays below one grey level in every channel is dead."""


@torch.no_grad()
def describe_field(field: GaussianField, scale: Number = 4) -> dict[str, float]:
    """Statistics over all images of the batch; Cholesky entries in pixels of a x4 image, the prior's unit.

    Returns:
        kernels (per image), dead (share of them that cannot be seen: peak below 1/255 or no area), coverage (share of the
        pixels at `scale` in the support of some kernel), dc_gain_low and dc_gain_high (1st and 99th percentile of
        `dc_gain_image`: an even field has them close together), and mean and deviation of l11, l21, l22.
    """
    peak = field.colors.abs().amax(-1)
    area = field.cholesky[..., 0].abs() * field.cholesky[..., 2].abs()
    dc_gain = dc_gain_image(field, scale)
    figures = {
        "kernels": float(len(field)),
        "dead": ((peak < VISIBLE) | (area == 0)).float().mean().item(),
        "coverage": (dc_gain > 0).float().mean().item(),
        "dc_gain_low": dc_gain.flatten().kthvalue(max(1, dc_gain.numel() // 100)).values.item(),
        "dc_gain_high": dc_gain.flatten().kthvalue(max(1, dc_gain.numel() * 99 // 100)).values.item(),
    }
    for index, entry in enumerate(("l11", "l21", "l22")):
        values = 4 * field.cholesky[..., index]
        figures |= {f"{entry}_mean": values.mean().item(), f"{entry}_deviation": values.std().item()}
    return figures


@torch.no_grad()
def dc_gain_image(field: GaussianField, scale: Number) -> Float[Tensor, "b 1 height width"]:
    """The sum of all kernels with peak 1: what a field of constant color would show; 0 outside the support of every kernel."""
    return replace(field, colors=torch.ones_like(field.colors[..., :1])).render(scale=scale)
