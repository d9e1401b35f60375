"""Training losses beyond those of torch.nn (plain L1 is torch.nn.L1Loss, conf/loss/l1.yaml)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from splatsr.bounds import NonNegative, Positive
from splatsr.errors import InputError


class L1WithFrequency(nn.Module):
    """L1 between the images + weight * L1 between their 2D Fourier transforms, real and imaginary parts apart.

    ContinuousSR's "Ours+" names the frequency loss of FocalNet (Cui et al. 2023) and no weight. The transform is not
    normalised (torch's default), so that the term grows with the crop, as in FocalNet's code where the weight is 0.1.

    Args:
        weight: of the frequency term, at least 0.
    """

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"loss.weight must be at least 0, got {weight}.")
        self.weight = weight

    def forward(self, prediction: Float[Tensor, "*n"], target: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped; means over all entries.

        Raises:
            InputError: what came are no images, but pixels.
        """
        if prediction.ndim != 4:
            raise InputError("loss=l1_frequency compares whole crops; use supervision=crops or loss=l1.")
        spectrum, of_target = (torch.view_as_real(torch.fft.fft2(image.float())) for image in (prediction, target))
        return l1_loss(prediction, target) + self.weight * l1_loss(spectrum, of_target)


class Charbonnier(nn.Module):
    """Mean of sqrt(difference^2 + epsilon^2): L1 with a round bottom (Lai et al. 2017, "LapSRN", section 3.3).

    Args:
        epsilon: below differences of this size it is nearly quadratic; values are in [0, 1]. LapSRN's is 1e-3.
    """

    def __init__(self, *, epsilon: Positive) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, prediction: Float[Tensor, "*n"], target: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
        """Both in [0, 1], the prediction unclamped; whole crops or pixels."""
        return (prediction - target).square().add(self.epsilon**2).sqrt().mean()


class L1WithSSIM(nn.Module):
    """L1 + weight * (1 - SSIM), the structural similarity of Wang et al. 2004 with kornia's window of 11 pixels.

    (Zhao et al. 2017, "Loss Functions for Image Restoration with Neural Networks", mix both, by weights of their own.)

    Args:
        weight: of the second term, at least 0.
    """

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, prediction: Float[Tensor, "*n"], target: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped.

        Raises:
            InputError: what came are no images, but pixels.
        """
        if prediction.ndim != 4:
            raise InputError("loss=l1_ssim compares whole crops; use supervision=crops or loss=l1.")
        from kornia.metrics import ssim  # a second, for those alone who use it

        similarity = ssim(prediction.float(), target.float(), window_size=11, padding="valid").mean()
        return l1_loss(prediction, target) + self.weight * (1 - similarity)
