"""Selective Gaussian Splatting (GaussianSR, section "Selective Gaussian Splatting"): every LR pixel chooses its Gaussian from a
learned bank.

Published code, where the paper differs: covariance and opacity are raw parameters (the paper: sigmoid), the choice at test is a
Gumbel sample (the paper: the most likely kernel).
"""

import math
from collections.abc import Sequence
from typing import Annotated, Protocol, runtime_checkable

import torch
from annotated_types import Len
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import one_hot

from splatsr.bounds import Ordered, Positive, Seed, Width

SELECTIONS = ("sample", "expected", "argmax")
"""How a kernel is chosen at test: drawn by its probability as published, the mixture of all by their probabilities (the mean
of the samples), or the most likely one."""


class GaussianBank(nn.Module):
    """Features to a Gaussian per LR pixel.

    Args:
        channels: of the features.
        kernels: in the bank, a square number: the first widths are all pairs of a grid (published: 100).
        sigma_range: smallest and largest of that grid (published: 0.2 and 3.0).
        temperature: of the Gumbel softmax (published: 1).
        selection: at test, one of `SELECTIONS`. In training the choice is always the soft Gumbel softmax.
        noise_seed: of the sample at test, for every batch anew, so that an image is always the same (published: not seeded).
        bounded_rho: the correlation is tanh of the parameter. The published one is the parameter itself: beyond 1 in magnitude
            a kernel is NaN.
    """

    def __init__(
        self,
        *,
        channels: Width,
        kernels: Width,
        sigma_range: Annotated[Sequence[Positive], Len(2, 2), Ordered()],
        temperature: Positive,
        selection: str,
        noise_seed: Seed,
        bounded_rho: bool,
    ) -> None:
        super().__init__()
        side = math.isqrt(max(kernels, 0))
        if side < 1 or side**2 != kernels:
            raise ValueError(f"kernels must be a square number (64, 100, 400, 900), got {kernels}.")
        if selection not in SELECTIONS:
            raise ValueError(f"selection must be one of {', '.join(SELECTIONS)}; got {selection!r}.")
        if temperature <= 0:
            raise ValueError(f"temperature must be greater than 0, got {temperature}.")
        self.temperature, self.selection, self.noise_seed, self.bounded_rho = temperature, selection, noise_seed, bounded_rho
        smallest, largest = sigma_range
        grid = torch.linspace(smallest, largest, side)
        self.classifier = nn.Conv2d(channels, kernels, 3, padding=1)
        self.sigma_x = nn.Parameter(grid.repeat_interleave(side))  # vertical, as published
        self.sigma_y = nn.Parameter(grid.repeat(side))
        self.opacity = nn.Parameter(torch.full((kernels, 1), 1.0).sigmoid())
        self.rho = nn.Parameter(torch.zeros(kernels, 1))

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b parameters=4 h w"]:
        """Vertical and horizontal sigma, opacity and correlation of every LR pixel's Gaussian."""
        return self.gaussians(self.choose(self.classifier(features)))

    def choose(self, logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
        """The share of every kernel in every pixel; they sum to 1."""
        batch, kernels, height, width = logits.shape
        rows = logits.permute(0, 2, 3, 1).reshape(-1, kernels)  # the published layout of the noise
        if self.training:
            shares = ((rows + gumbel(rows, None)) / self.temperature).softmax(-1)
        elif self.selection == "expected":
            shares = rows.softmax(-1)
        else:
            noise = gumbel(rows, self.noise_seed) if self.selection == "sample" else 0
            shares = one_hot((rows + noise).argmax(-1), kernels).to(rows.dtype)
        return shares.view(batch, height, width, kernels).permute(0, 3, 1, 2)

    def gaussians(self, shares: Float[Tensor, "b k h w"]) -> Float[Tensor, "b parameters=4 h w"]:
        """The kernels' parameters, mixed by their shares."""
        return torch.einsum("bkhw,kp->bphw", shares, self.table)

    @property
    def table(self) -> Float[Tensor, "k parameters=4"]:
        """(vertical sigma, horizontal sigma, opacity, correlation) of every kernel."""
        rho = self.rho.tanh() if self.bounded_rho else self.rho
        return torch.stack([self.sigma_x, self.sigma_y, self.opacity[:, 0], rho[:, 0]], dim=-1)


@runtime_checkable
class ChoosesKernels(Protocol):
    """A model whose LR pixels choose their kernels from a bank; `bank` is None where it is configured without one."""

    bank: GaussianBank | None

    @property
    def rendering(self) -> str:
        """What a pixel is, in words."""
        ...

    def shares(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h w"]:
        """The share of every kernel of the bank in every pixel of RGB images in [0, 1]; they sum to 1."""
        ...


def gumbel(like: Float[Tensor, "n k"], seed: int | None) -> Float[Tensor, "n k"]:
    """Standard Gumbel noise, -log of exponential draws; from torch's global generator where there is no seed."""
    generator = None if seed is None else torch.Generator(like.device).manual_seed(seed)
    return -torch.empty_like(like, memory_format=torch.contiguous_format).exponential_(generator=generator).log()
