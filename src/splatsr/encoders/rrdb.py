"""RRDB encoder (Wang et al. 2018, "ESRGAN", section 3.1): residual blocks of residual dense blocks, without batch norm.

State-dict names are those of the public weights (`conv_first`, `RRDB_trunk.{i}.RDB{1,2,3}.conv{1..5}`, `trunk_conv`). Their
upsampling convolutions (`upconv1`, `upconv2`, `HRconv`, `conv_last`) are left out.
"""

from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from splatsr.bounds import Depth, Width
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.layout import for_speed
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Tiling

_SLOPE = 0.2

_SHARE = 0.2
"""Of what a block makes that is added to its input."""

_CONVOLUTIONS = 5


class DenseBlock(nn.Module):
    """x + 0.2 f(x): five 3x3 convolutions, each of which sees all before it; the last one is linear."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for index in range(_CONVOLUTIONS):
            out = growth if index < _CONVOLUTIONS - 1 else channels
            self.add_module(f"conv{index + 1}", nn.Conv2d(channels + index * growth, out, 3, padding=1))
        self.apply(_first_weights)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        *dense, last = self.children()
        seen = x
        for layer in dense:
            seen = torch.cat([seen, leaky_relu(layer(seen), _SLOPE)], dim=1)
        return x + _SHARE * last(seen)


class ResidualInResidual(nn.Module):
    """x + 0.2 g(x), g being three dense blocks one after the other."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.RDB1, self.RDB2, self.RDB3 = (DenseBlock(channels, growth) for _ in range(3))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + _SHARE * self.RDB3(self.RDB2(self.RDB1(x)))


class RRDB(Encoder):
    """RGB in, features on the LR grid out. ESRGAN's and LINF's: 64 channels, 23 blocks, growth 32.

    Args:
        channels: width between the blocks.
        growth: channels that each dense convolution adds.
        blocks: number of `ResidualInResidual`s.
        upscale: 1, there is no tail.
        out_channels: equals `channels`.
    """

    def __init__(self, *, channels: Width, growth: Width, blocks: Depth, upscale: Literal[1], out_channels: Width) -> None:
        super().__init__()
        if out_channels != channels:
            raise ValueError(f"without a tail out_channels must equal channels ({channels}), got {out_channels}.")
        self.upscale, self.out_channels = upscale, out_channels
        self.conv_first = nn.Conv2d(3, channels, 3, padding=1)
        self.RRDB_trunk = nn.Sequential(*(ResidualInResidual(channels, growth) for _ in range(blocks)))
        self.trunk_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.tiling = Tiling(overlap=2 + 3 * _CONVOLUTIONS * blocks, multiple=1, exact=True, support=0)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Features (B, out_channels, h, w)."""
        x = in_float32(self.conv_first, for_speed(lr))
        return x + self.trunk_conv(self.RRDB_trunk(x))


def _first_weights(layer: nn.Module) -> None:
    """A tenth of Xavier's, as published."""
    if isinstance(layer, nn.Conv2d):
        nn.init.xavier_normal_(layer.weight, gain=0.1)
        nn.init.zeros_(cast(Tensor, layer.bias))
