"""What every encoder is: an LR image in, features on a grid `upscale` times as fine out."""

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.image.tiling import Tiling


class Encoder(nn.Module):
    """The base of all encoders; an encoder's `forward` takes RGB in [0, 1] (B, 3, h, w) to features.

    Attributes:
        upscale: features are (B, out_channels, upscale * h, upscale * w).
        out_channels: channels of the features.
        size_multiple: LR pixels that divide the sides of what it sees; other images are mirrored to that (`encoders.reflect`).
        tiling: how it may be run on tiles; None: on whole images only.
        collapses_from_random: training from random weights is known to fail with `heads.initialisation.published`.
    """

    upscale: int
    out_channels: int
    size_multiple: int = 1
    tiling: Tiling | None = None
    collapses_from_random: bool = False

    def initialise_identity(self) -> tuple[Float[Tensor, "rgb=3 c"], float]:
        """Re-initialises so that the LR image can be read from the features: lr = matrix @ features + offset.

        Returns:
            (matrix, offset)

        Raises:
            ValueError: the encoder cannot.
        """
        raise ValueError(f"{type(self).__name__} has no identity initialisation.")
