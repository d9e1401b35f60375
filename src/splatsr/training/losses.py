"""Training losses beyond those of torch.nn (plain L1 is torch.nn.L1Loss, conf/loss/l1.yaml).

Those that compare more than single pixels have a `check`, which is called before the first batch.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from splatsr.bounds import NonNegative, Positive
from splatsr.errors import InputError
from splatsr.metrics.backbone import AbsentWeightsError
from splatsr.metrics.lpips import SMALLEST, load_lpips
from splatsr.metrics.ssim import WINDOW
from splatsr.training.supervision import OnCrops, OnLikelihood, OnWindows, Supervision


@runtime_checkable
class LossOfCrops(Protocol):
    """A loss that needs whole crops."""

    def check(self, supervision: Supervision, pixels: int, /) -> None:
        """InputError where the supervision takes no whole crops, or the smallest HR crop, a square, has too few `pixels`."""
        ...


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

    def check(self, supervision: Supervision, pixels: int) -> None:
        """InputError where the supervision takes single pixels."""
        compared_pixels(supervision, pixels, "l1_frequency")

    def forward(self, prediction: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped; means over all entries."""
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

    def check(self, supervision: Supervision, pixels: int) -> None:
        """InputError where the supervision takes single pixels, or what is compared is smaller than the window."""
        if compared_pixels(supervision, pixels, "l1_ssim") < WINDOW**2:
            raise InputError(f"loss=l1_ssim needs HR crops of {WINDOW}x{WINDOW} pixels; use a larger data.patch or loss=l1.")

    def forward(self, prediction: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped."""
        from kornia.metrics import ssim  # a second, for those alone who use it

        similarity = ssim(prediction.float(), target.float(), window_size=WINDOW, padding="valid").mean()
        return l1_loss(prediction, target) + self.weight * (1 - similarity)


class L1WithLPIPS(nn.Module):
    """L1 between the images + weight * LPIPS of them (Zhang et al. 2018; version 0.1 on AlexNet, as the metric).

    The network is no part of the loss's own weights: checkpoints do not hold it, and nothing trains it.

    Args:
        weight: of LPIPS, at least 0.

    Raises:
        InputError: torchvision's AlexNet is not on this machine.
    """

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        self.weight = weight
        try:
            self._network = (load_lpips().requires_grad_(False),)  # in a tuple, or it would be a submodule
        except AbsentWeightsError as absent:
            raise InputError(f"loss=l1_lpips: {absent}; or use loss=l1.") from absent

    def check(self, supervision: Supervision, pixels: int) -> None:
        """InputError where the supervision takes single pixels, or the smallest HR crop is too small for AlexNet."""
        if (compared := compared_pixels(supervision, pixels, "l1_lpips")) < SMALLEST**2:
            raise InputError(
                f"loss=l1_lpips needs HR crops of {SMALLEST}x{SMALLEST} pixels; the smallest has {compared} pixels in all. Use "
                "a larger data.patch or loss=l1."
            )

    def forward(self, prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
        """Both images in [0, 1], the prediction unclamped; LPIPS in float32, its mean over the batch."""
        network = self._network[0].to(prediction.device)
        with torch.autocast(prediction.device.type, enabled=False):
            distance = network(prediction.float(), target.float(), normalize=True).mean()
        return l1_loss(prediction, target) + self.weight * distance


class NegativeLogLikelihood(nn.Module):
    """What supervision=likelihood found, its mean times -weight.

    Args:
        weight: beside other losses, above 0.
    """

    def __init__(self, *, weight: Positive) -> None:
        super().__init__()
        self.weight = weight

    def check(self, supervision: Supervision, _: int) -> None:
        """InputError where the supervision compares colors."""
        if not isinstance(supervision, OnLikelihood):
            raise InputError("loss=nll is of log-densities; use supervision=likelihood.")

    def forward(self, found: Float[Tensor, "b q"], _: Float[Tensor, "b q"]) -> Float[Tensor, ""]:
        """Log-densities in nats."""
        return -self.weight * found.mean()


class InTurn(nn.Module):
    """A loss for each part of `training.supervision.InTurn`.

    Args:
        parts: in the order of the steps.
    """

    def __init__(self, *, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, prediction: Tensor, target: Tensor) -> Float[Tensor, ""]:
        """That of the last step."""
        return self.parts[-1](prediction, target)


def compared_pixels(supervision: Supervision, pixels: int, loss: str) -> int:
    """Pixels of the smallest square that a loss of whole crops compares, where the smallest HR crop has `pixels`.

    Raises:
        InputError: single pixels are compared; `loss` is what the message calls it.
    """
    if isinstance(supervision, OnWindows):
        return supervision.side**2
    if not isinstance(supervision, OnCrops):
        raise InputError(
            f"loss={loss} compares whole crops; use supervision=crops (of a method that is queried: windows) or loss=l1."
        )
    return pixels
