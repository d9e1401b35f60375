"""Kernel positions without anchors (ContinuousSR, Table 5: P_off alone): a perceptron regresses where in the image a kernel is.

The paper does not say what its row without the initial positions does instead; this is the plain reading.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from splatsr.bounds import Widths
from splatsr.heads.mlp import by_position, mlp
from splatsr.heads.positions_head import PositionsHead
from splatsr.image.precision import widened


class FreePositions(PositionsHead):
    """Features, one per kernel, to centres anywhere in the image: size / 2 * (1 + tanh(MLP(features))), without anchors.

    Args:
        channels: of the features.
        per_side: kernels per LR pixel along either axis; without anchors it does not matter.
        hidden: hidden widths of the MLP.
    """

    offset_range = float("inf")
    """There is no corner that a kernel would stay near."""

    def __init__(self, *, channels: int, per_side: int, hidden: Widths) -> None:
        super().__init__()
        self.mlp = mlp([channels, *hidden, 2])

    def forward(
        self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int], chosen: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b n xy=2"]:
        """Centres in LR pixels."""
        height, width = lr_size
        position = torch.tanh(widened(by_position(self.mlp, features, chosen)))  # in (-1, 1), x first
        return (1 + position) * position.new_tensor([width / 2, height / 2])

    def start_centred(self) -> None:
        """Nothing to set: no weights put each kernel into its own cell."""
