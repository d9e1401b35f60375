"""APD, Adaptive Position Drifting (ContinuousSR section 3.4): where the kernels sit.

mean = corner of the kernel's own cell + reach * tanh(MLP(features)), in LR pixels. The published anchors are the cells'
top-left corners (paper: "the centre of the LR pixel"). The published head scrambles the offsets of a batch larger than one
(it reinterprets memory instead of transposing); this one does not.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import cell_corners
from splatsr.models.mlp import by_position, mlp


class APD(nn.Module):
    """Features, one per kernel, to kernel centres.

    Args:
        channels: of the features.
        hidden: hidden widths of the MLP.
        reach: largest offset along either axis, in LR pixels (the paper's offset range).
        per_side: kernels per LR pixel along either axis.
    """

    def __init__(self, *, channels: int, hidden: Sequence[int], reach: float, per_side: int) -> None:
        super().__init__()
        if reach <= 0:
            raise ValueError(f"reach must be greater than 0 LR pixels, got {reach}.")
        self.reach, self.per_side = reach, per_side
        self.mlp = mlp([channels, *hidden, 2])

    def forward(self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int]) -> Float[Tensor, "b n 2"]:
        """Centres (x, y) in LR pixels; kernels run row by row over the grid of cells."""
        offset = self.reach * torch.tanh(by_position(self.mlp, features).float())
        return cell_corners(*lr_size, self.per_side).to(offset) + offset
