"""First weights with which an encoder's first channels are the LR image itself, for initialisations that start from it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def set_first_outputs(conv: nn.Module, matrix: Float[Tensor, "outputs inputs"]) -> None:
    """Makes the first outputs of a 3x3 convolution  matrix @ (first inputs)  at the same pixel; the others stay."""
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    outputs, inputs = matrix.shape
    conv.weight[:outputs] = 0
    conv.bias[:outputs] = 0
    conv.weight[:outputs, :inputs, 1, 1] = matrix


def repeat_through_shuffles(stages: nn.Module, channels: int) -> None:
    """Makes (convolution, PixelShuffle) stages repeat each of their first `channels` inputs (nearest neighbour)."""
    layers = list(stages.children())
    for conv, shuffle in zip(layers[0::2], layers[1::2], strict=True):
        assert isinstance(shuffle, nn.PixelShuffle)
        set_first_outputs(conv, torch.eye(channels).repeat_interleave(shuffle.upscale_factor**2, dim=0))
