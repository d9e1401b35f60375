"""Rotary positions on a grid of two axes, with learned frequencies (Heo et al. 2024, "Rotary Position Embedding for Vision
Transformer", section 3.2, "RoPE-Mixed").

Two adjacent channels of a query or a key are a complex number, which is turned by the angle t_x f_x + t_y f_y: what a query and
a key have in common then depends on the way from one to the other. Each head and pair of channels has its own (f_x, f_y).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.image.precision import widened

THETA = 10.0
"""Ratio of the largest to the smallest first magnitude, about; published."""


def add_rotary_positions(attention: nn.Module, *, heads: int, width: int, side: int) -> None:
    """Gives the module `rope_freqs` (xy, heads, pairs) and the buffers `rope_t_x`, `rope_t_y` (side * side), in the order of a
    square's pixels. Buffers are saved, as published: a file says what its network was trained with.
    """
    attention.rope_freqs = nn.Parameter(first_frequencies(heads, width))
    for name, positions in zip(("rope_t_x", "rope_t_y"), grid_positions(side), strict=True):
        attention.register_buffer(name, positions)


def first_frequencies(heads: int, width: int) -> Float[Tensor, "xy=2 {heads} pairs"]:
    """Magnitudes THETA^(-4 i / width), i = 0 .. width / 4 - 1, in a random direction for each head, and again at right angles.

    Of a width that 4 does not divide (published: 32) up to three channels are not turned.

    Raises:
        ValueError: a head's `width` is less than 4.
    """
    if width < 4:
        raise ValueError(f"rotary positions need heads of at least 4 channels, got {width}.")
    count = width // 4
    magnitudes = THETA ** (-4 * torch.arange(count) / width)
    angles = 2 * math.pi * torch.rand(heads, 1)
    directions = torch.cat([angles.expand(-1, count), (angles + math.pi / 2).expand(-1, count)], 1)
    return magnitudes.repeat(2) * torch.stack([directions.cos(), directions.sin()])


def grid_positions(side: int) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """(t_x, t_y) of the pixels of a square, row by row."""
    pixels = torch.arange(side * side)
    return (pixels % side).float(), (pixels // side).float()


def angles_of(attention: nn.Module) -> Float[Tensor, "heads n pairs"]:
    """Those of a module with rotary positions."""
    t_x, t_y = (attention.get_buffer(name) for name in ("rope_t_x", "rope_t_y"))
    return phases(attention.get_parameter("rope_freqs"), t_x, t_y)


def phases(
    frequencies: Float[Tensor, "xy=2 heads pairs"], t_x: Float[Tensor, " n"], t_y: Float[Tensor, " n"]
) -> Float[Tensor, "heads n pairs"]:
    """Angles of all positions, in float32 at least."""
    f_x, f_y = widened(frequencies)[:, :, None].unbind(0)
    return t_x[:, None] * f_x + t_y[:, None] * f_y


def rotate(
    tokens: Float[Tensor, "windows heads n d"], angles: Float[Tensor, "heads n pairs"]
) -> Float[Tensor, "windows heads n d"]:
    """Turns adjacent channels; those beyond the pairs that have angles stay."""
    pairs = angles.shape[-1]
    first, second = widened(tokens[..., : 2 * pairs]).unflatten(-1, (pairs, 2)).unbind(-1)
    cosine, sine = angles.cos(), angles.sin()
    turned = torch.stack([first * cosine - second * sine, first * sine + second * cosine], -1).flatten(-2).to(tokens.dtype)
    return turned if 2 * pairs == tokens.shape[-1] else torch.cat([turned, tokens[..., 2 * pairs :]], -1)
