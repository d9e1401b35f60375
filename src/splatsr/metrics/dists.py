"""DISTS (Ding et al. 2020), on VGG16; torchmetrics' network, loaded once (its own metric loads it again for every image)."""

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.checkpoints.choice import device_of
from splatsr.metrics.backbone import find_weights
from splatsr.metrics.mean import MeanOverImages


def load_dists() -> nn.Module:
    """The network; AbsentWeightsError without torchvision's VGG16 (alpha and beta come with torchmetrics)."""
    from torchmetrics.functional.image.dists import DISTSNetwork
    from torchvision.models import VGG16_Weights

    find_weights(VGG16_Weights.DEFAULT.url)
    return DISTSNetwork()


class DISTS(MeanOverImages):
    """Mean DISTS over images, of RGB; lower is better."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def measure(self, prediction: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"]) -> Float[Tensor, ""]:
        """DISTS of one image in [0, 1]; float32, on the network's device."""
        device = device_of(self.network)
        return self.network(prediction[None].float().to(device), target[None].float().to(device))
