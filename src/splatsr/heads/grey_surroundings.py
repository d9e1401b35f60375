"""Grey stays grey: a network that knows its three channels apart gives strokes of grey text a tint of ten levels and more.

Where the LR image is grey, so are the kernels' colors, exactly. The rule looks at the LR image alone: it has no weights, is the
same in training and after, and the same on tiles.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import Number


class GreySurroundings(nn.Module):
    """How colored an LR pixel's surroundings are.

    Args:
        threshold: difference between channels from which on surroundings count as colored; values are in [0, 1]. Below it they
            do so in proportion, so that nothing jumps.
        reach: LR pixels that the surroundings extend in every direction.
    """

    def __init__(self, *, threshold: Annotated[Number, Gt(0), Le(1)], reach: Annotated[int, Ge(0), Le(16)]) -> None:
        super().__init__()
        self.threshold, self.reach = threshold, reach

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """0 where all that lies within `reach`, as far as there is an image, is grey; 1 where any of it is colored."""
        difference = lr.amax(1, keepdim=True) - lr.amin(1, keepdim=True)
        return (nn.functional.max_pool2d(difference, 2 * self.reach + 1, 1, self.reach) / self.threshold).clamp(max=1)
