"""Residual blocks with large kernels on some of the channels, after PLKSR (Lee et al. 2024, "Partial Large Kernel CNNs for
Efficient Super-Resolution", section 3).

A block of the paper has two 3x3 convolutions, one large kernel on a quarter of the channels, and an element-wise gate by
a third 3x3 convolution. Here it has one 3x3 convolution with a smooth activation and no gate: with the multiply-adds of a
residual block of two 3x3 convolutions it sees more than twice as far.
"""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Depth, Fraction, Upscale, Width
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.identity_initialisation import repeat_through_shuffles, set_first_outputs
from splatsr.encoders.layout import for_speed
from splatsr.encoders.pixel_shuffle import pixel_shuffles, shuffles_see
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Tiling


class LargeKernelBlock(nn.Module):
    """x + mix(y), y = silu(conv3x3(x)), its first `wide` channels convolved with a kernel of `kernel` pixels."""

    def __init__(self, channels: int, wide: int, kernel: int) -> None:
        super().__init__()
        self.wide = wide
        self.near = nn.Conv2d(channels, channels, 3, padding=1)
        self.far = nn.Conv2d(wide, wide, kernel, padding=kernel // 2)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        y = nn.functional.silu(self.near(x))
        far, rest = y.split([self.wide, y.shape[1] - self.wide], dim=1)
        return x + self.mix(torch.cat([self.far(far), rest], dim=1))


class LargeKernels(Encoder):
    """RGB in, features on a grid `upscale` times as fine out.

    Args:
        channels: width of the body.
        blocks: number of `LargeKernelBlock`s.
        wide: channels that large kernels see, at most `channels`.
        kernel: their side, an odd number of LR pixels.
        upscale: 1 (no tail), 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features and between the stages; with upscale 1 it must equal `channels`.
        input_mean: subtracted from the input, a value in [0, 1].

    Raises:
        ValueError: `wide` exceeds `channels`, or `kernel` is even.
    """

    def __init__(
        self,
        *,
        channels: Width,
        blocks: Depth,
        wide: Width,
        kernel: Annotated[int, Ge(3), Le(63)],
        upscale: Upscale,
        out_channels: Width,
        input_mean: Fraction,
    ) -> None:
        super().__init__()
        if wide > channels:
            raise ValueError(f"wide must be at most channels ({channels}), got {wide}.")
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {kernel}.")
        self.upscale, self.out_channels, self.input_mean = upscale, out_channels, input_mean
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(
            *(LargeKernelBlock(channels, wide, kernel) for _ in range(blocks)), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.tail = pixel_shuffles(channels=channels, out_channels=out_channels, upscale=upscale)
        overlap = 2 + blocks * (1 + kernel // 2) + shuffles_see(upscale)
        self.tiling = Tiling(overlap=overlap, multiple=1, exact=True, support=0)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of RGB in [0, 1]."""
        x = in_float32(self.head, for_speed(lr) - self.input_mean)
        return self.tail(x + self.body(x))

    @torch.no_grad()
    def initialise_identity(self) -> tuple[Float[Tensor, "3 c"], float]:
        """Re-initialises so that three channels pass the input to the output unchanged (nearest-neighbour upsampled).

        Returns (matrix, offset) with  lr = matrix @ features + offset  at every grid position. All other weights stay.
        """
        set_first_outputs(self.head, torch.eye(3))
        set_first_outputs(self.body[-1], torch.zeros(3, 3))
        repeat_through_shuffles(self.tail, 3)
        return torch.eye(3, self.out_channels), self.input_mean
