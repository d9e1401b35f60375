"""PSNR as the papers average it: in float64, per image, then the mean of the decibels."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric


def psnr(prediction: Float[Tensor, "*c h w"], target: Float[Tensor, "*c h w"]) -> Float[Tensor, ""]:
    """10 log10(1 / mean squared error) in dB of one image in [0, 1]; infinite for equal images."""
    error = (prediction.to(torch.float64) - target.to(torch.float64)).square().mean()
    return -10 * torch.log10(error)


class PSNR(Metric):
    """Mean PSNR over images; every `update` is one image that is already cropped and converted (see Protocol)."""

    full_state_update = False
    total: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("images", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "*c h w"], target: Float[Tensor, "*c h w"]) -> None:
        """Adds one image."""
        self.total += psnr(prediction, target)
        self.images += 1

    def compute(self) -> Float[Tensor, ""]:
        """The mean over the images so far, in dB."""
        return self.total / self.images
