"""EDSR whose last convolution's output is all: the published GSASR leaves out the skip around the body.

(The paper names EDSR-baseline, as others do, and does not mention it; outputs of the published class show it.)
"""

from jaxtyping import Float
from torch import Tensor

from splatsr.encoders.edsr import EDSR
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.layout import for_speed
from splatsr.image.precision import in_float32


class EDSRWithoutSkip(EDSR):
    """tail(body(head(x))). Arguments and names of the weights are those of `EDSR`."""

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of RGB in [0, 1]."""
        return self.tail(self.body(in_float32(self.head, for_speed(lr) - self.input_mean)))

    def initialise_identity(self) -> tuple[Float[Tensor, "3 c"], float]:
        """There is no way around the body's ReLUs: ValueError."""
        return Encoder.initialise_identity(self)
