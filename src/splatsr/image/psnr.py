"""The peak signal-to-noise ratio of images in [0, 1], wherever one is taken."""

import torch
from jaxtyping import Float
from torch import Tensor


def psnr(prediction: Float[Tensor, "*b c h w"], target: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b"]:
    """10 log10(1 / mean squared error) in dB of every image, float64; infinite for equal images.

    The error is the mean over channels and pixels, in float64. Nothing is clamped, rounded or cut off here.
    """
    error = (prediction.to(torch.float64) - target.to(torch.float64)).square().mean((-3, -2, -1))
    return -10 * torch.log10(error)
