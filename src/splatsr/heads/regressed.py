"""Kernel shapes without DDCW (ContinuousSR, Table 5 and figure 2c): a perceptron regresses the Cholesky entries.

The paper does not say what its row without DDCW does instead; this is the plain reading. Together with `heads.free` it is
figure 2c's direct regression of all parameters.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.bounds import Width, Widths
from splatsr.heads.mlp import by_position, mlp
from splatsr.heads.shapes_head import ShapesHead
from splatsr.image.precision import widened


class RegressedShapes(ShapesHead):
    """Features to Cholesky rows in dictionary units (pixels of a x4 image), as DDCW, but unbounded and without a dictionary.

    Args:
        channels: of the features.
        embedding: width of the 3x3 convolution that stands where DDCW has its queries'.
        hidden: hidden widths of the MLP behind it.
    """

    mean_row = torch.tensor([1.0, 0.0, 1.0])
    """The row that the first field may start from, in DDCW the dictionary's mean: a circle of one pixel of a x4 image."""

    longest_deviation = float("inf")
    """Rows have no limit."""

    def __init__(self, *, channels: int, embedding: Width, hidden: Widths) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, embedding, 3, padding=1)
        self.mlp = mlp([embedding, *hidden, 3])

    def forward(
        self, features: Float[Tensor, "b c h w"], chosen: Bool[Tensor, "b h*w"] | None = None
    ) -> Float[Tensor, "b h*w l11_l21_l22=3"]:
        active = nn.functional.gelu(self.query(features))
        return widened(by_position(self.mlp, active.flatten(2).transpose(1, 2), chosen))

    @torch.no_grad()
    def start_at_mean_row(self) -> None:
        """Re-initialises such that every kernel has `mean_row`."""
        nn.init.zeros_(self.mlp.last.weight)
        self.mlp.last.bias.copy_(self.mean_row)
