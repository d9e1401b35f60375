"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet, as BasicSR and most tables use it; torchmetrics' network."""

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.checkpoints.choice import device_of
from splatsr.errors import InputError
from splatsr.metrics.backbone import find_weights
from splatsr.metrics.mean import MeanOverImages

SMALLEST = 31
"""Pixels that AlexNet's three strides leave something of."""


def load_lpips() -> nn.Module:
    """The network; AbsentWeightsError without torchvision's AlexNet (the linear heads come with torchmetrics)."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    from torchvision.models import AlexNet_Weights

    find_weights(AlexNet_Weights.DEFAULT.url)
    return LearnedPerceptualImagePatchSimilarity(net_type="alex").net


class LPIPS(MeanOverImages):
    """Mean LPIPS over images, of RGB; lower is better."""

    smallest = SMALLEST

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def measure(self, prediction: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"]) -> Float[Tensor, ""]:
        """LPIPS of one image in [0, 1]; float32, on the network's device."""
        if min(prediction.shape[-2:]) < SMALLEST:
            raise InputError(f"LPIPS needs {SMALLEST}x{SMALLEST} pixels; {tuple(prediction.shape[-2:])} are left of an image.")
        device = device_of(self.network)
        return self.network(prediction[None].float().to(device), target[None].float().to(device), normalize=True).squeeze()
