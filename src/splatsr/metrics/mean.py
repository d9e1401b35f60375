"""How the papers average: one figure per image, then the mean of the figures (not a figure of pooled errors).

An image that comes out exactly has an infinite PSNR, and so would the mean have, whatever the other images are like. It is
left out of the mean and counted: a cap in its place would be a number of our own choice.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric


class MeanOverImages(Metric):
    """Mean of `measure` over images; every `update` is one image that is already cropped and converted (see Protocol).

    Calling the metric like a function updates it too, and returns the figure of that image.

    Attributes:
        smallest: sides in pixels that an image must have.
        total: the sum of the finite figures.
        images: how many images there were.
        infinite: how many of them have an infinite figure.
    """

    smallest = 1

    full_state_update = False
    measure: Callable[[Tensor, Tensor], Tensor]
    total: Tensor
    images: Tensor
    infinite: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("images", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("infinite", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "c h w"], target: Float[Tensor, "c h w"]) -> None:
        """Adds one image, values in [0, 1]."""
        value = self.measure(prediction, target).to(self.total)
        if value == math.inf:
            self.infinite += 1
        else:
            self.total += value
        self.images += 1

    def compute(self) -> Float[Tensor, ""]:
        """The mean over the images so far whose figures are finite, float64; infinite where none is, nan without images."""
        return mean_of_finite(self.total, self.images, self.infinite)


def mean_of_finite(total: Tensor, images: Tensor, infinite: Tensor) -> Tensor:
    """The mean of the figures of `images` images, `infinite` of which are infinite and not in their `total`."""
    return torch.full_like(total, math.inf) if 0 < images == infinite else total / (images - infinite)
