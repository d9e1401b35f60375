"""Fitting kernels to images by gradient descent: GaussianImage's optimisation, many images at once.

Images of a batch do not interact: the loss is the sum of their mean squared errors, and both optimisers treat every value
by itself.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import torch
from annotated_types import Gt, Le
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from splatsr.bounds import Count, Positive, Range
from splatsr.geometry import Number
from splatsr.image.field import GaussianField
from splatsr.image.psnr import psnr
from splatsr.prior.free_kernels import FreeKernels
from splatsr.splatting import splat

ADAN_BETAS = (0.98, 0.92, 0.99)
"""Of Adan, Xie et al. 2022, and GaussianImage."""


class Fitting:
    """How images are fitted. The source of every value stands in conf/prior/fitting/.

    Args:
        variant: "cholesky" or "rotation_scale", see `FreeKernels`.
        kernels_per_pixel: N = round(kernels_per_pixel * H * W), at least 1.
        steps: of the optimiser.
        optimizer: "adan" or "adam".
        lr: its first learning rate, for every parameter.
        halve_every: steps after which the learning rate is halved, again and again.
        gradient: "exact", or "published": with the doubled off-diagonal term of the published backward pass.
        clamp: whether the image is clamped to [0, 1] before the loss, so that saturated pixels have no gradient (published).
        color_range: first colors are uniform in it.
        l21_range: first entries l21 are, in pixels.
    """

    render = staticmethod(splat)

    def __init__(
        self,
        *,
        variant: Literal["cholesky", "rotation_scale"],
        kernels_per_pixel: Annotated[Number, Gt(0), Le(10_000)],
        steps: Count,
        optimizer: Literal["adan", "adam"],
        lr: Positive,
        halve_every: Count,
        gradient: Literal["exact", "published"],
        clamp: bool,
        color_range: Range,
        l21_range: Range,
    ) -> None:
        self.variant, self.kernels_per_pixel, self.steps = variant, kernels_per_pixel, steps
        self.optimizer, self.lr, self.halve_every = optimizer, lr, halve_every
        self.gradient, self.clamp = gradient, clamp
        self.color_range, self.l21_range = tuple(color_range), tuple(l21_range)

    def fit(
        self, images: Float[Tensor, "b 3 h w"], seeds: Sequence[int], progress: Callable[[float], None] = lambda _: None
    ) -> tuple[GaussianField, Float[Tensor, " b"]]:
        """The fields of RGB images in [0, 1], in pixels of these images, and PSNR (dB, RGB, clamped to [0, 1],
        not rounded) of each.

        `seeds`, one per image, decide about the first kernels. `progress` is called with the share of the steps that is done.
        Works in inference mode and under autocast too, in float32 on the images' device.
        """
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
            images = images.detach().clone()  # of inference mode, otherwise
            size = (images.shape[-2], images.shape[-1])
            kernels = self._first_kernels(size, seeds).to(images.device)
            optimizer = self._make_optimizer(kernels)
            for step in range(self.steps):
                for group in optimizer.param_groups:
                    group["lr"] = self.lr * 0.5 ** (step // self.halve_every)
                means, cholesky, colors = kernels()
                rendered = self.render(means, cholesky, colors, size)
                error = (rendered.clamp(0, 1) if self.clamp else rendered) - images
                optimizer.zero_grad()
                error.square().mean((1, 2, 3)).sum().backward()
                optimizer.step()
                progress((step + 1) / self.steps)
            with torch.no_grad():
                means, cholesky, colors = kernels()
                quality = psnr(self.render(means, cholesky, colors, size).clamp(0, 1), images).float()
        return GaussianField(means.detach(), cholesky.detach(), colors.detach(), size, reference_scale=1), quality

    def _first_kernels(self, size: tuple[int, int], seeds: Sequence[int]) -> FreeKernels:
        return FreeKernels(
            variant=self.variant,
            count=max(1, round(self.kernels_per_pixel * size[0] * size[1])),
            size=size,
            seeds=seeds,
            color_range=self.color_range,
            l21_range=self.l21_range,
            published_gradient=self.gradient == "published",
        )

    def _make_optimizer(self, kernels: FreeKernels) -> Optimizer:
        if self.optimizer == "adam":
            return torch.optim.Adam(kernels.parameters(), lr=self.lr)
        from timm.optim.adan import Adan  # timm takes seconds to import

        return Adan(kernels.parameters(), lr=self.lr, betas=ADAN_BETAS, weight_decay=0.0)
