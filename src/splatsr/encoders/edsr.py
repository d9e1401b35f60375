"""EDSR encoder (Lim et al. 2017, "Enhanced Deep Residual Networks"): residual blocks without batch norm.

State-dict names are those of the public weights (`head.0`, `body.{i}.body.{0,2}`, `tail.0.{0,2}`). The mean shift
layers of those files are not applied by the methods of this suite, and the last RGB convolution `tail.1` is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_STAGES = {1: [], 2: [2], 3: [3], 4: [2, 2], 6: [2, 3], 8: [2, 2, 2]}


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), 3x3 convolutions, residual scaling 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.body(x)


class EDSR(nn.Module):
    """RGB in, features on a grid `upscale` times as fine out. EDSR-baseline: 64 channels, 16 blocks.

    Args:
        channels: width of the body.
        blocks: number of residual blocks.
        upscale: 1 (no tail), 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features; with upscale 1 the body's own, so it must equal `channels`.
        input_mean: level subtracted from the input (the methods of the papers subtract none: 0).
    """

    def __init__(self, *, channels: int, blocks: int, upscale: int, out_channels: int, input_mean: float) -> None:
        super().__init__()
        if upscale not in _STAGES:
            raise ValueError(f"upscale must be one of {list(_STAGES)}, got {upscale}.")
        if upscale == 1 and out_channels != channels:
            raise ValueError(f"without a tail out_channels must equal channels ({channels}), got {out_channels}.")
        self.upscale, self.out_channels, self.input_mean = upscale, out_channels, input_mean
        self.head = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1))
        self.body = nn.Sequential(
            *(ResidualBlock(channels) for _ in range(blocks)), nn.Conv2d(channels, channels, 3, padding=1)
        )
        stages: list[nn.Module] = []
        for number, factor in enumerate(_STAGES[upscale], start=1):
            wide = out_channels if number == len(_STAGES[upscale]) else channels
            stages += [nn.Conv2d(channels, wide * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        self.tail = nn.Sequential(*([nn.Sequential(*stages)] if stages else []))

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of RGB in [0, 1]."""
        x = self.head(lr - self.input_mean)
        return self.tail(x + self.body(x))

    @torch.no_grad()
    def carry_rgb(self) -> tuple[Float[Tensor, "3 c"], float]:
        """Re-initialises so that three channels carry the input to the output (nearest-neighbour upsampled).

        Returns (matrix, offset) with  lr = matrix @ features + offset  at every grid position. All other weights stay.
        """
        _pass_through(self.head[0], copies=1)
        self.body[-1].weight[:3] = 0
        self.body[-1].bias[:3] = 0
        stages = list(self.tail[0]) if self.tail else []
        for conv, shuffle in zip(stages[0::2], stages[1::2], strict=True):
            _pass_through(conv, copies=shuffle.upscale_factor**2)
        return torch.eye(3, self.out_channels), self.input_mean


def _pass_through(conv: nn.Conv2d, *, copies: int) -> None:
    """Makes outputs c * copies .. c * copies + copies - 1 of a 3x3 convolution equal to input channel c, for c < 3."""
    conv.weight[: 3 * copies] = 0
    conv.bias[: 3 * copies] = 0
    for output in range(3 * copies):
        conv.weight[output, output // copies, 1, 1] = 1
