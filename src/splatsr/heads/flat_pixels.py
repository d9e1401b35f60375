"""Fewer kernels where there is little to show: four for every pixel, of a clear sky too, are the paper's own limitation (A.10).

An LR pixel in flat surroundings gets one kernel in place of all of its cells' kernels, as many times as wide; its other kernels
are empty, and no head works for them. The rule looks at the LR image alone: it is known before anything is encoded, the same in
training and after, and the same on tiles.
"""

from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Gt, Le
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.geometry import Number


class Merged(NamedTuple):
    """Kernels of an image's cells, `per_side` of them along either axis of an LR pixel, of which some are merged.

    Attributes:
        wide: those that stand for a whole LR pixel, the first of its cells.
        empty: those that are left out for them.
        per_side: how many times as wide the former are.
    """

    wide: Bool[Tensor, "b n"]
    empty: Bool[Tensor, "b n"]
    per_side: int

    def applied(
        self, means: Float[Tensor, "b n 2"], cholesky: Float[Tensor, "b n 3"], colors: Float[Tensor, "b n c"], corners: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(means, Cholesky rows, colors) with the wide ones spread from their cells' `corners` (n, 2), the empty ones all 0."""
        wide, empty, corners = self.wide[..., None], self.empty[..., None], corners.to(means)
        means = torch.where(wide, corners + self.per_side * (means - corners), means)
        cholesky = (cholesky * (1 + (self.per_side - 1) * wide)).masked_fill(empty, 0)
        return means, cholesky, colors.masked_fill(empty, 0)


class FlatPixels(nn.Module):
    """Which LR pixels have flat surroundings.

    Args:
        threshold: the most by which values within the surroundings may differ, in any channel; values are in [0, 1].
        reach: LR pixels that the surroundings extend in every direction. A kernel for a whole pixel is felt two pixels away.
    """

    def __init__(self, *, threshold: Annotated[Number, Gt(0), Le(1)], reach: Annotated[int, Ge(0), Le(16)]) -> None:
        super().__init__()
        self.threshold, self.reach = threshold, reach

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Bool[Tensor, "b h w"]:
        """True where all that lies within `reach`, as far as there is an image, differs by no more than the threshold."""
        side = 2 * self.reach + 1
        most, least = (sign * nn.functional.max_pool2d(sign * lr, side, 1, self.reach) for sign in (1, -1))
        return (most - least).amax(1) <= self.threshold

    def merged(self, lr: Float[Tensor, "b 3 h w"], per_side: int) -> Merged:
        """What becomes of the kernels of these images."""
        in_flat = self(lr).repeat_interleave(per_side, 1).repeat_interleave(per_side, 2)
        first = torch.zeros_like(in_flat)
        first[:, ::per_side, ::per_side] = True
        return Merged((in_flat & first).flatten(1), (in_flat & ~first).flatten(1), per_side)
