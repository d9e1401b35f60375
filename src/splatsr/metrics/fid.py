"""FID (Heusel et al. 2017) between the predictions and the HR images of a set; torchmetrics' Inception network."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from splatsr.checkpoints.choice import device_of
from splatsr.metrics.backbone import find_weights


def load_inception() -> nn.Module:
    """The Inception v3 of 2015, to 2048 features, with its original resizing; AbsentWeightsError without its weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
    from torchmetrics.image.fid import NoTrainInceptionV3

    path = find_weights(URL_INCEPTION_V3)
    return NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path), antialias=False)


def frechet_distance(a: Float[Tensor, "n c"], b: Float[Tensor, "m c"]) -> Float[Tensor, ""]:
    """|mean a - mean b|^2 + tr(A + B - 2 sqrt(A B)), A and B the covariances of the rows.

    With centred rows a and b, the trace of the root is the sum of the singular values of a b^T, divided by
    sqrt((n - 1) (m - 1)): n x m numbers instead of c x c, which for a test set are few.
    """
    of_means = (a.mean(0) - b.mean(0)).square().sum()
    a, b = ((rows - rows.mean(0)) / (len(rows) - 1) ** 0.5 for rows in (a, b))
    return of_means + a.square().sum() + b.square().sum() - 2 * torch.linalg.svdvals(a @ b.T).sum()


class FID(Metric):
    """FID over all images so far. It keeps their features, which for a test set are fewer than torchmetrics' covariances."""

    full_state_update = False
    predictions: list[Tensor]
    targets: list[Tensor]

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.add_state("predictions", [], dist_reduce_fx="cat")
        self.add_state("targets", [], dist_reduce_fx="cat")

    def update(self, prediction: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"]) -> None:
        """Adds one image, values in [0, 1]; they are rounded to 8 bit."""
        device = device_of(self.network)
        for image, features in ((prediction, self.predictions), (target, self.targets)):
            levels = (image[None].to(device) * 255).round().to(torch.uint8)
            features.append(self.network(levels).to(torch.float64).cpu())

    def compute(self) -> Float[Tensor, ""]:
        """The distance, float64; of at least two images."""
        return frechet_distance(dim_zero_cat(self.predictions), dim_zero_cat(self.targets))
