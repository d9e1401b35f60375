"""What takes the place of DDCW and APD where an ablation leaves them out (ContinuousSR, Table 5 and figure 2c).

The paper does not say what its rows "without" a module do instead; these are the plain readings. Without DDCW a perceptron
regresses the Cholesky entries, without limits. Without the learned offset kernels stay at their anchors; without the
anchors a perceptron regresses where in the image each kernel sits. Both perceptrons together are figure 2c's direct
regression of all parameters.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import cell_corners
from splatsr.heads.mlp import by_position, mlp


class RegressedShapes(nn.Module):
    """Features to Cholesky rows in dictionary units (pixels of a x4 image), as DDCW, but unbounded and without a dictionary.

    Args:
        channels: of the features.
        embedding: width of the 3x3 convolution that stands where DDCW has its queries'.
        hidden: hidden widths of the MLP behind it.
    """

    typical = torch.tensor([1.0, 0.0, 1.0])
    """The row that the first field may start from: a circle of one pixel of a x4 image."""

    longest = float("inf")

    def __init__(self, *, channels: int, embedding: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, embedding, 3, padding=1)
        self.mlp = mlp([embedding, *hidden, 3])

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h*w 3"]:
        active = nn.functional.gelu(self.query(features))
        return by_position(self.mlp, active.flatten(2).transpose(1, 2)).float()

    @torch.no_grad()
    def start_typical(self) -> None:
        """Re-initialises such that every kernel has the typical row."""
        nn.init.zeros_(self.mlp[-1].weight)
        self.mlp[-1].bias.copy_(self.typical)


class Anchors(nn.Module):
    """Kernel centres that do not move: the cells' top-left corners, from which APD's offsets are counted."""

    reach = 0.0

    def __init__(self, *, per_side: int) -> None:
        super().__init__()
        self.per_side = per_side

    def forward(self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int]) -> Float[Tensor, "b n 2"]:
        corners = cell_corners(*lr_size, self.per_side).to(features.device, torch.float32)
        return corners.expand(len(features), -1, -1)

    def start_centred(self) -> None:
        """Nothing to set."""


class FreePositions(nn.Module):
    """Features, one per kernel, to centres anywhere in the image: size / 2 * (1 + tanh(MLP(features))), without anchors.

    Args:
        channels: of the features.
        hidden: hidden widths of the MLP.
    """

    reach = float("inf")

    def __init__(self, *, channels: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.mlp = mlp([channels, *hidden, 2])

    def forward(self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int]) -> Float[Tensor, "b n 2"]:
        place = torch.tanh(by_position(self.mlp, features).float())
        return (1 + place) * place.new_tensor([lr_size[1] / 2, lr_size[0] / 2])

    def start_centred(self) -> None:
        """Nothing to set: no weights put each kernel into its own cell."""
