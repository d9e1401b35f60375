"""The pixel's footprint: what a pixel that has an area averages of a kernel, as a change of the kernel itself.

A pixel averages over its square. A square of side 1 has the covariance I / 12; with a Gaussian of that covariance instead, the
average of a kernel is a kernel again, with the same centre and the same integral:

    Sigma' = Sigma + V,   color' = color sqrt(det Sigma / det Sigma') = color |l11 l22| / (l11' l22').

This is the low-pass filter of EWA splatting (Zwicker et al., "EWA Volume Splatting", 2001) and, with that normalisation, the 2D
Mip filter of Mip-Splatting (Yu et al., CVPR 2024). What is ours is that only the excess over a reference scale is added: a
field that was fitted to pixels of some scale contains their footprint already. From that scale on nothing is added, below it
V = diag(v_x, v_y), v = KAPPA max(0, 1 - (s / s_ref)^2) in output pixels^2, along each axis by its own scale s. Renderers need
not know of it, because it is applied before the sum.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Number
from splatsr.splatting.reference import HUGE, VANISHING

KAPPA = 1 / 12
"""Variance of a pixel along either axis, in pixels^2."""

REFERENCE_SCALE = 4.0
"""The smallest scale of ContinuousSR's training: its fields contain the footprint of such pixels."""


def check_reference_scale(reference_scale: Any) -> None:
    """ValueError unless it is a number of at least 0; 0 means no footprint anywhere, infinity the whole one everywhere."""
    if not isinstance(reference_scale, int | float) or not reference_scale >= 0:
        raise ValueError(f"reference_scale must be a number of at least 0 (inf: every scale), got {reference_scale!r}.")


def excess(scale: tuple[float, float], reference_scale: Number) -> tuple[float, float]:
    """(v_x, v_y) in output pixels^2, from a scale given as (vertical, horizontal); zeros from the reference scale on."""
    if reference_scale == 0:
        return 0.0, 0.0
    scale_y, scale_x = scale
    share_x, share_y = (min(1.0, side / reference_scale) for side in (scale_x, scale_y))  # tiny references overflow in squares
    return KAPPA * (1 - share_x**2), KAPPA * (1 - share_y**2)


def widen(
    cholesky: Float[Tensor, "b n l11_l21_l22=3"], colors: Float[Tensor, "b n c"], variances: tuple[float, float]
) -> tuple[Float[Tensor, "b n l11_l21_l22=3"], Float[Tensor, "b n c"]]:
    """Kernels averaged over pixels with a footprint diag(v_x, v_y): (Cholesky, colors), to be summed like any others.

    l11'^2 = l11^2 + v_x,  l21' = l11 l21 / l11',  l22'^2 = l22^2 + v_y + l21^2 v_x / l11'^2: sums of squares, so nothing
    cancels. Along an axis without footprint v is 1e-12 pixels^2, which moves no kernel that is drawn and keeps the gradients
    of vanishing ones finite (a kernel with l11 = 0 or l22 = 0 has the amplitude 0). Two zeros change nothing at all. Kernels
    that `splat` takes for empty, because they are huge or not finite, get the amplitude 0.
    """
    if variances == (0.0, 0.0):
        return cholesky, colors
    v_x, v_y = (max(variance, VANISHING**2) for variance in variances)
    # Kernels that are empty for `splat` become zeros, whose amplitude below is 0.
    drawn = (cholesky.abs() <= HUGE).all(-1, keepdim=True)
    l11, l21, l22 = torch.where(drawn, cholesky, 0.0).unbind(-1)
    # The Cholesky factor of Sigma + V: first its first column, l11' and l21' = l11 tilt, then what is left for l22'.
    wide11 = (l11.square() + v_x).sqrt()
    tilt = l21 / wide11
    wide22 = (l22.square() + v_y + tilt.square() * v_x).sqrt()
    # The peak falls as the area grows.
    amplitude = (l11 / wide11).abs() * (l22 / wide22).abs()
    return torch.stack([wide11, l11 * tilt, wide22], -1), colors * amplitude[..., None]


def samples_per_pixel(scale: tuple[float, float], reference_scale: Number) -> tuple[int, int]:
    """Point samples along (y, x) whose mean has the same meaning: the fewest at which their own scale reaches the reference.

    k samples spread over a pixel have the variance KAPPA (1 - 1 / k^2), the excess at s = s_ref / k. An infinite reference
    scale takes 8, which miss 1/64 of KAPPA.
    """
    if math.isinf(reference_scale):
        return 8, 8
    return max(1, math.ceil(reference_scale / scale[0])), max(1, math.ceil(reference_scale / scale[1]))


def described(reference_scale: Number) -> str:
    """What that reference scale makes of `GaussianField.render`'s pixels, in words, for results."""
    if reference_scale == 0:
        return "exact at every scale"
    return (
        "footprint at every scale" if math.isinf(reference_scale) else f"footprint below x{reference_scale:g}, exact from there"
    )
