"""APD, Adaptive Position Drifting (ContinuousSR section 3.4): where the kernels sit.

mean = corner of the kernel's own cell + reach * tanh(MLP(features)), in LR pixels. The published anchors are the cells'
top-left corners (paper: "the centre of the LR pixel"). The published head scrambles the offsets of a batch larger than one
(it reinterprets memory instead of transposing); this one does not.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import Number, cell_corners
from splatsr.heads.mlp import by_position, mlp


class APD(nn.Module):
    """Features, one per kernel, to kernel centres.

    Args:
        channels: of the features.
        hidden: hidden widths of the MLP.
        reach: largest offset along either axis, in LR pixels (the paper's offset range).
        per_side: kernels per LR pixel along either axis.
    """

    def __init__(self, *, channels: int, hidden: Sequence[int], reach: Number, per_side: int) -> None:
        super().__init__()
        if not 0 < reach < math.inf:
            raise ValueError(f"reach must be a number greater than 0 LR pixels, got {reach}.")
        self.reach, self.per_side = reach, per_side
        self.mlp = mlp([channels, *hidden, 2])

    def forward(self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int]) -> Float[Tensor, "b n 2"]:
        """Centres (x, y) in LR pixels; kernels run row by row over the grid of cells."""
        offset = self.reach * torch.tanh(by_position(self.mlp, features).float())
        return cell_corners(*lr_size, self.per_side).to(offset) + offset

    def start_centred(self) -> None:
        """Re-initialises such that every kernel sits at the centre of its own cell (or as near as the reach allows)."""
        nn.init.zeros_(self.mlp[-1].weight)
        nn.init.constant_(self.mlp[-1].bias, math.atanh(min(0.5 / self.per_side / self.reach, 0.99)))
