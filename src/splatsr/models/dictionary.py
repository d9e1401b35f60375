"""Dictionaries of predefined kernels: rows (l11, l21, l22), Cholesky entries in pixels of a x4 image.

The Deep Gaussian Prior (ContinuousSR section 3.3) says how such entries are distributed in photographs. The paper speaks of
covariances sampled from it; the published model holds Cholesky entries on a fixed grid, and so does the default here.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_L11 = (0.0, 0.41, 0.62, 0.98, 1.13, 1.29, 1.64, 1.85, 2.36)
_L21 = (-0.86, -0.36, -0.16, 0.19, 0.34, 0.49, 0.84, 1.04, 1.54)
_L22 = (0.0, 0.33, 0.53, 0.88, 1.03, 1.18, 1.53, 1.73, 2.23)


def published_dictionary() -> Float[Tensor, "730 3"]:
    """The published model's 730 rows: the 9 x 9 x 9 grid, l11 slowest and l22 fastest, and a last row of zeros."""
    grid = torch.cartesian_prod(torch.tensor(_L11), torch.tensor(_L21), torch.tensor(_L22))
    return torch.cat([grid, torch.zeros(1, 3)])


def normal_dictionary(*, rows: int, mean: Sequence[float], deviation: Sequence[float], seed: int) -> Float[Tensor, "{rows} 3"]:
    """Rows drawn from independent normal priors of (l11, l21, l22); l11 and l22 are clipped at 0 as published."""
    noise = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed))
    entries = torch.tensor(mean) + torch.tensor(deviation) * noise
    return torch.stack([entries[:, 0].clamp_min(0), entries[:, 1], entries[:, 2].clamp_min(0)], dim=1)


def uniform_dictionary(*, rows: int, low: float, high: float, seed: int) -> Float[Tensor, "{rows} 3"]:
    """Rows drawn uniformly from [low, high], all three entries alike (the paper's ablation: [0, 1] and [0, 10])."""
    if not low < high:
        raise ValueError(f"low must be less than high (pixels of a x4 image), got {low} and {high}.")
    return low + (high - low) * torch.rand(rows, 3, generator=torch.Generator().manual_seed(seed))
