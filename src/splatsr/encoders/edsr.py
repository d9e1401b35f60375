"""EDSR encoder (Lim et al. 2017, "Enhanced Deep Residual Networks"): residual blocks without batch norm.

State-dict names are those of the public weights (`head.0`, `body.{i}.body.{0,2}`, `tail.0.{0,2}`). The mean shift
layers of those files are not applied by the methods of this suite, and the last RGB convolution `tail.1` is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Depth, Fraction, Upscale, Width
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.identity_initialisation import repeat_through_shuffles, set_first_outputs
from splatsr.encoders.layout import for_speed
from splatsr.encoders.pixel_shuffle import pixel_shuffles, shuffles_see
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Tiling


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), 3x3 convolutions, residual scaling 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.body(x)


class EDSR(Encoder):
    """RGB in, features on a grid `upscale` times as fine out. EDSR-baseline: 64 channels, 16 blocks.

    Args:
        channels: width of the body.
        blocks: number of residual blocks.
        upscale: 1 (no tail), 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features and between the stages; with upscale 1 it must equal `channels`.
        input_mean: subtracted from the input, a value in [0, 1] (the methods of the papers subtract none: 0).
    """

    def __init__(self, *, channels: Width, blocks: Depth, upscale: Upscale, out_channels: Width, input_mean: Fraction) -> None:
        super().__init__()
        self.upscale, self.out_channels, self.input_mean = upscale, out_channels, input_mean
        self.head = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1))
        self.body = nn.Sequential(
            *(ResidualBlock(channels) for _ in range(blocks)), nn.Conv2d(channels, channels, 3, padding=1)
        )
        tail = pixel_shuffles(channels=channels, out_channels=out_channels, upscale=upscale)
        self.tail = nn.Sequential(tail) if upscale > 1 else nn.Sequential()
        self.tiling = Tiling(overlap=2 + 2 * blocks + shuffles_see(upscale), multiple=1, exact=True, support=0)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of RGB in [0, 1]."""
        x = in_float32(self.head, for_speed(lr) - self.input_mean)
        return self.tail(x + self.body(x))

    @torch.no_grad()
    def initialise_identity(self) -> tuple[Float[Tensor, "3 c"], float]:
        """Re-initialises so that three channels pass the input to the output unchanged (nearest-neighbour upsampled).

        Returns (matrix, offset) with  lr = matrix @ features + offset  at every grid position. All other weights stay.
        """
        set_first_outputs(self.head[0], torch.eye(3))
        set_first_outputs(self.body[-1], torch.zeros(3, 3))
        for stages in self.tail:
            repeat_through_shuffles(stages, 3)
        return torch.eye(3, self.out_channels), self.input_mean
