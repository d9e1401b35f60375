"""SSIM as MATLAB and BasicSR compute it (Wang et al. 2004): 11x11 Gaussian window of sigma 1.5, valid region only, float64."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from splatsr.metrics.mean import MeanOverImages

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def ssim(prediction: Float[Tensor, "c h w"], target: Float[Tensor, "c h w"]) -> Float[Tensor, ""]:
    """Mean structural similarity of one image in [0, 1], averaged over channels; both sides must be at least 11 pixels."""
    if min(prediction.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs at least {WINDOW}x{WINDOW} pixels, got {tuple(prediction.shape[-2:])}.")
    x, y = prediction.to(torch.float64)[:, None], target.to(torch.float64)[:, None]
    offsets = torch.arange(WINDOW, dtype=torch.float64, device=x.device) - WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * SIGMA**2))
    window /= window.sum()

    def blur(image: Tensor) -> Tensor:
        return conv2d(conv2d(image, window[None, None, :, None]), window[None, None, None, :])

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return (similarity / ((mean_x**2 + mean_y**2 + C1) * (variance_x + variance_y + C2))).mean()


class SSIM(MeanOverImages):
    """Mean SSIM over images."""

    smallest = WINDOW
    measure = staticmethod(ssim)
