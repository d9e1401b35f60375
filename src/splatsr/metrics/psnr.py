"""PSNR as the papers average it: in float64, per image, then the mean of the decibels."""

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.metrics.mean import MeanOverImages


def psnr(prediction: Float[Tensor, "*c h w"], target: Float[Tensor, "*c h w"]) -> Float[Tensor, ""]:
    """10 log10(1 / mean squared error) in dB of one image in [0, 1]; infinite for equal images."""
    error = (prediction.to(torch.float64) - target.to(torch.float64)).square().mean()
    return -10 * torch.log10(error)


class PSNR(MeanOverImages):
    """Mean PSNR over images, in dB."""

    measure = staticmethod(psnr)
