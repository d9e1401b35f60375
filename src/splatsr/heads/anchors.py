"""Kernel positions without APD's learned offset (ContinuousSR, Table 5: P_init alone): kernels stay at their anchors."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from splatsr.geometry import cell_corners
from splatsr.heads.positions_head import PositionsHead


class Anchors(PositionsHead):
    """Kernel centres that do not move: the cells' top-left corners, from which APD's offsets are counted.

    Args:
        channels: of the features, which are not looked at.
        per_side: kernels per LR pixel along either axis.
    """

    offset_range = 0.0
    """Largest offset from the corner, in LR pixels."""

    def __init__(self, *, channels: int, per_side: int) -> None:
        super().__init__()
        self.per_side = per_side

    def forward(
        self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int], chosen: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b n xy=2"]:
        corners = cell_corners(*lr_size, self.per_side).to(features.device, torch.float32)
        return corners.expand(len(features), -1, -1)

    def start_centred(self) -> None:
        """Nothing to set."""
