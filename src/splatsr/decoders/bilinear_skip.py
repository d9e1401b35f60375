"""The LR image between its pixels, to which some methods add what they have found."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample


def bilinear(lr: Float[Tensor, "b 3 h w"], coordinates: Float[Tensor, "b q yx=2"]) -> Float[Tensor, "b q rgb=3"]:
    """The LR image between its pixels' centres; constant beyond the outermost ones."""
    points = coordinates.flip(-1)[:, None]  # grid_sample wants (x, y)
    return grid_sample(lr, points, mode="bilinear", padding_mode="border", align_corners=False)[:, :, 0].transpose(1, 2)
