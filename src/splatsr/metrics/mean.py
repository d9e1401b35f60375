"""How the papers average: one figure per image, then the mean of the figures (not a figure of pooled errors)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric


class MeanOverImages(Metric):
    """Mean of `measure` over images; every `update` is one image that is already cropped and converted (see Protocol).

    Calling the metric like a function updates it too, and returns the figure of that image.
    """

    full_state_update = False
    measure: Callable[[Tensor, Tensor], Tensor]
    total: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("images", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "c h w"], target: Float[Tensor, "c h w"]) -> None:
        """Adds one image, values in [0, 1]."""
        self.total += self.measure(prediction, target).to(self.total)
        self.images += 1

    def compute(self) -> Float[Tensor, ""]:
        """The mean over the images so far, float64."""
        return self.total / self.images
