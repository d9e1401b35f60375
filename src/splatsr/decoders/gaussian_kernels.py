"""From the raw parameters of GSASR's Gaussians to kernels in pixels of an output: its activations, and what a sigma is a part
of."""

import torch
from jaxtyping import Float
from torch import Tensor

STEP = 1.2
"""LR pixels of a Gaussian's sigma of 1, inverse: a constant of the published renderer ("default_step_size")."""


def kernels_of(
    raw: Float[Tensor, "b n raw=9"], canvas: tuple[int, int], scale: tuple[float, float]
) -> tuple[Float[Tensor, "b n xy=2"], Float[Tensor, "b n l11_l21_l22=3"], Float[Tensor, "b n rgb=3"]]:
    """(means, Cholesky rows, colors) for `splatting.splat_windowed`, in pixels of an output of size `canvas` (H, W).

    Of the raw parameters (as `GaussianSeeds` orders them: the first sigma is the vertical one) sigma = 0.99999 sigmoid + 1e-6,
    in 1 / STEP LR pixels, rho = 0.999999 tanh, and the peak is sigmoid(alpha) sigmoid(rgb); centres are in [0, 1]^2 across the
    canvas. `scale` (vertical, horizontal) is the nominal one.
    """
    tall, wide = (
        (factor / STEP) * (0.99999 * sigma.sigmoid() + 1e-6)
        for factor, sigma in zip(scale, raw[..., :2].unbind(-1), strict=True)
    )
    rho = 0.999999 * raw[..., 2].tanh()
    cholesky = torch.stack([wide, rho * tall, tall * ((1 - rho) * (1 + rho)).sqrt()], dim=-1)
    colors = raw[..., 3:4].sigmoid() * raw[..., 4:7].sigmoid()
    return raw[..., 7:] * raw.new_tensor([canvas[1], canvas[0]]), cholesky, colors
