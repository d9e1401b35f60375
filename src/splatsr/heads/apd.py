"""APD, Adaptive Position Drifting (ContinuousSR section 4.4, equation 10): where the kernels sit.

mean = corner of the kernel's own cell + offset_range * tanh(MLP(features)), in LR pixels. The published anchors are the cells'
top-left corners (paper: "the centre of the LR pixel"). The published head scrambles the offsets of a batch larger than one
(it reinterprets memory instead of transposing); this one does not.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.bounds import Reach, Widths
from splatsr.geometry import cell_corners
from splatsr.heads.mlp import by_position, mlp
from splatsr.heads.positions_head import PositionsHead
from splatsr.image.precision import widened


class APD(PositionsHead):
    """Features, one per kernel, to kernel centres.

    Args:
        channels: of the features.
        per_side: kernels per LR pixel along either axis.
        hidden: hidden widths of the MLP.
        offset_range: largest offset along either axis, in LR pixels.

    Raises:
        ValueError: the offset range is no number greater than 0, or infinite.
    """

    def __init__(self, *, channels: int, per_side: int, hidden: Widths, offset_range: Reach) -> None:
        super().__init__()
        if not 0 < offset_range < math.inf:
            raise ValueError(
                f"offset_range must be a number greater than 0 LR pixels, got {offset_range} (kernels that stay at their "
                "anchors: model/positions=anchors; without anchors: model/positions=free)."
            )
        self.per_side, self.offset_range = per_side, offset_range
        self.mlp = mlp([channels, *hidden, 2])

    def forward(
        self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int], chosen: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b n xy=2"]:
        """Centres in LR pixels; kernels run row by row over the grid of cells."""
        offset = self.offset_range * torch.tanh(widened(by_position(self.mlp, features, chosen)))
        return cell_corners(*lr_size, self.per_side).to(offset) + offset

    def start_centred(self) -> None:
        """Re-initialises such that every kernel sits at the centre of its own cell (or as near as `offset_range` allows)."""
        nn.init.zeros_(self.mlp.last.weight)
        nn.init.constant_(self.mlp.last.bias, math.atanh(min(0.5 / self.per_side / self.offset_range, 0.99)))
