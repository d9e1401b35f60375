"""Sub-pixel upsampling (Shi et al. 2016): convolutions and pixel shuffles that make a grid finer step by step."""

import math

from torch import nn

STAGES = {1: [], 2: [2], 3: [3], 4: [2, 2], 6: [2, 3], 8: [2, 2, 2]}
"""Factors of the shuffles, in order, for every possible upscale."""


def shuffles_see(upscale: int) -> float:
    """How many input pixels beyond its own an output pixel of `pixel_shuffles` depends on, each way."""
    return sum((1 / math.prod(STAGES[upscale][:stage]) for stage in range(len(STAGES[upscale]))), start=0.0)


def pixel_shuffles(*, channels: int, out_channels: int, upscale: int) -> nn.Sequential:
    """(3x3 convolution, PixelShuffle) for every stage: `channels` in, `out_channels` between and out.

    Nothing for upscale 1, where the two must be equal.
    """
    if upscale not in STAGES:
        raise ValueError(f"upscale must be one of {list(STAGES)}, got {upscale}.")
    if upscale == 1 and out_channels != channels:
        raise ValueError(f"without a tail out_channels must equal channels ({channels}), got {out_channels}.")
    layers: list[nn.Module] = []
    for index, factor in enumerate(STAGES[upscale]):
        wide = out_channels if index else channels
        layers += [nn.Conv2d(wide, out_channels * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
    return nn.Sequential(*layers)
