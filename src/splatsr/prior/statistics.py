"""How the kernels of fitted fields are shaped: the figures of the Deep Gaussian Prior (ContinuousSR section 4.2).

The paper speaks of sigma_x^2 in 0..2.4, sigma_y^2 in 0..2.2 and rho sigma_x sigma_y in -0.9..1.5. Its authors say, and its
dictionary shows, that these are the Cholesky entries l11, l22 and l21, in pixels of the fitted image. Both are reported here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from splatsr.image.field import GaussianField
from splatsr.splatting import splat

PERCENTILES = (0.5, 1, 5, 50, 95, 99, 99.5)

UNITS = {"l11": "px", "l21": "px", "l22": "px", "sxx": "px^2", "sxy": "px^2", "syy": "px^2", "rho": ""}
"""What is described, and its unit; px: pixels of the fitted image."""


class PublishedEntry(NamedTuple):
    """One Cholesky entry in the published Deep Gaussian Prior, in pixels of the fitted image (a x4 image for the dictionary).

    Attributes:
        mean: centre of the published dictionary's grid, see `heads.dictionary`.
        deviation: unit step of that grid.
        lowest: lower end of the range that about 99 % of the kernels lie in (ContinuousSR section 4.2, read as above).
        highest: its upper end.
    """

    mean: float
    deviation: float
    lowest: float
    highest: float


PRIOR = {
    "l11": PublishedEntry(1.13, 0.51, 0.0, 2.4),
    "l21": PublishedEntry(0.34, 0.50, -0.9, 1.5),
    "l22": PublishedEntry(1.03, 0.50, 0.0, 2.2),
}

RANGES = {name: (entry.lowest, entry.highest) for name, entry in PRIOR.items()}
"""{"l11": (lowest, highest), ...}"""

BINS = 256
SPANS = {"l11": 4.0, "l21": 4.0, "l22": 4.0, "sxx": 16.0, "sxy": 16.0, "syy": 16.0, "rho": 1.0}
"""Histograms go from minus this to this: fixed, so that those of several runs can be added up."""

Values = Mapping[str, np.ndarray]
"""{"l11": one value per kernel, ...}, the names of UNITS."""


def shape_values(cholesky: Float[Tensor, "n l11_l21_l22=3"]) -> dict[str, np.ndarray]:
    """l11, l21, l22 as |l11|, l21 sign(l11), |l22| (the same kernel, signs are redundant), Sigma = L L^T, and the correlation
    rho = sxy / sqrt(sxx syy), which is NaN for a kernel without width or height."""
    l11, l21, l22 = unsigned(cholesky).double().cpu().numpy().T
    sxx, sxy, syy = l11**2, l11 * l21, l21**2 + l22**2
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = sxy / np.sqrt(sxx * syy)
    return {"l11": l11, "l21": l21, "l22": l22, "sxx": sxx, "sxy": sxy, "syy": syy, "rho": rho}


def unsigned(cholesky: Float[Tensor, "n l11_l21_l22=3"]) -> Float[Tensor, "n l11_l21_l22=3"]:
    """The rows of the same kernels with l11 and l22 not negative: changing the sign of a column of L changes nothing."""
    l11, l21, l22 = cholesky.unbind(-1)
    return torch.stack([l11.abs(), torch.where(l11 < 0, -l21, l21), l22.abs()], dim=-1)


def describe(values: Values) -> dict[str, dict[str, float]]:
    """{"l11": {"p0.5": .., .., "p99.5": .., "mean": .., "deviation": ..}, ...}; kernels without rho do not count for it."""
    described = {}
    for name, whole in values.items():
        known = whole[~np.isnan(whole)]
        if not len(known):
            raise ValueError(f"no kernel has a {name}: there is nothing to describe.")
        figures = dict(zip((f"p{percent:g}" for percent in PERCENTILES), np.percentile(known, PERCENTILES), strict=True))
        figures |= {"mean": known.mean(), "deviation": known.std()}
        described[name] = {key: float(figure) for key, figure in figures.items()}
    return described


def histograms(values: Values) -> dict[str, dict[str, Any]]:
    """{"l11": {"from", "to", "below", "counts": 256, "above"}, ...} over fixed spans."""
    counted = {}
    for name, whole in values.items():
        span = SPANS[name]
        counts = np.histogram(whole, bins=BINS, range=(-span, span))[0]
        outside = {"below": int((whole < -span).sum()), "above": int((whole > span).sum())}
        counted[name] = {"from": -span, "to": span, "counts": counts.tolist(), **outside}
    return counted


def correlations(values: Values) -> dict[str, float]:
    """Pearson's of every two of (l11, l21, l22) and of every two of (sxx, sxy, syy, rho): {"l11 l21": ..}."""
    found: dict[str, float] = {}
    for names in (("l11", "l21", "l22"), ("sxx", "sxy", "syy", "rho")):
        rows = np.stack([values[name] for name in names])
        matrix = np.corrcoef(rows[:, ~np.isnan(rows).any(0)])
        pairs = [(one, other) for one in range(len(names)) for other in range(one + 1, len(names))]
        found |= {f"{names[one]} {names[other]}": float(matrix[one, other]) for one, other in pairs}
    return found


def visible(field: GaussianField) -> Bool[Tensor, "b n"]:
    """Which kernels have the centre of a pixel of the fitted image in their support: the sum of a kernel's alphas is the
    gradient of the image's sum by its color."""
    color = torch.zeros_like(field.colors[..., :1]).requires_grad_()
    (alphas,) = torch.autograd.grad(splat(field.means, field.cholesky, color, field.size).sum(), color)
    return alphas[..., 0] > 0
