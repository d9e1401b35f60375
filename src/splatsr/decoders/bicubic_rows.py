"""Bicubic enlargement of features, in one piece or some rows at a time."""

from functools import reduce

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import interpolate

from splatsr.image.tiling import Span

A = -0.75
"""The cubic's free parameter, as in `torch.nn.functional.interpolate`; no prefilter, edges repeated."""


def bicubic(features: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c height width"]:
    """The features at another size, corners of both grids coinciding."""
    return interpolate(features, size=size, mode="bicubic", align_corners=False)


def bicubic_rows(features: Float[Tensor, "b c h w"], size: tuple[int, int], rows: Span) -> Float[Tensor, "b c rows width"]:
    """Rows [top, bottom) of `bicubic(features, size)`, in memory for these alone."""
    sources, weights = _taps(features.shape[-2], size[0], rows)
    first, last = int(sources.min()), int(sources.max())
    wide = bicubic(features[:, :, first : last + 1], (last + 1 - first, size[1]))
    sources, weights = sources.to(features.device) - first, weights.to(features)
    return reduce(torch.add, (wide.index_select(2, sources[tap]) * weights[tap, :, None] for tap in range(4)))


def _taps(height: int, enlarged: int, rows: Span) -> tuple[Int64[Tensor, "4 rows"], Float[Tensor, "4 rows"]]:
    """The four rows, and their weights, that each of the enlarged image's rows is made of."""
    position = (torch.arange(*rows, dtype=torch.float64) + 0.5) * height / enlarged - 0.5
    before = position.floor()
    t = position - before
    near = [((A + 2) * d - (A + 3)) * d * d + 1 for d in (t, 1 - t)]
    far = [((A * d - 5 * A) * d + 8 * A) * d - 4 * A for d in (1 + t, 2 - t)]
    sources = before.long() + torch.arange(-1, 3)[:, None]
    return sources.clamp(0, height - 1), torch.stack([far[0], *near, far[1]])
