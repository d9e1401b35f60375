"""What GaussianSR asks of its splat (`decoders.tile_splatting`, `decoders.pixel_splatting`)."""

from jaxtyping import Float
from torch import Tensor, nn


class Splatting(nn.Module):
    """The base of both; `forward` takes features (B, C, h, w), what `prepare` has made, the output and a span of its rows to
    features at the output's pixels in these rows (B, C, rows, W).

    Attributes:
        local: whether a splatted value depends on the LR pixels around it alone.
    """

    local: bool

    def prepare(self, gaussians: Float[Tensor, "b parameters=4 h w"]) -> Float[Tensor, "b parameters=4 _ _"]:
        """What is made of the Gaussians of all LR pixels once per image."""
        raise NotImplementedError
