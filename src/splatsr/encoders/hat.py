"""HAT encoder (Chen et al. 2023, "Activating More Pixels in Image Super-Resolution Transformer").

Windows as in SwinIR, plus two things: a convolution with channel attention beside every window attention, and at the end of
every group an attention from windows to their wider surroundings.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
from annotated_types import Gt, Le
from jaxtyping import Float
from timm.layers import DropPath, Mlp
from torch import Tensor, nn

from splatsr.bounds import BelowOne, Depth, Depths, Fraction, Upscale, Width
from splatsr.encoders.window_attention import (
    ShiftedWindows,
    WindowAttention,
    attend,
    from_windows,
    join_heads,
    project_in,
    project_out,
    relative_bias,
    split_heads,
    to_windows,
    window_order,
)
from splatsr.encoders.window_transformer import WindowTransformer, convolve, residual_groups
from splatsr.geometry import Number


class ChannelAttention(nn.Module):
    """x times a gate in (0, 1) per channel, computed from the channels' means over the (padded) image.

    Args:
        channels: of the features.
        squeeze: the gate's hidden layer has channels // squeeze units, at least 1.
    """

    def __init__(self, *, channels: int, squeeze: int) -> None:
        super().__init__()
        narrow = max(channels // squeeze, 1)
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x * self.attention(x)


class ConvBlock(nn.Module):
    """CAB of the paper: two 3x3 convolutions through a narrow waist, then channel attention.

    Args:
        channels: of the features.
        compress: the waist has channels // compress channels.
        squeeze: see ChannelAttention.
    """

    def __init__(self, *, channels: int, compress: int, squeeze: int) -> None:
        super().__init__()
        waist = channels // compress
        self.cab = nn.Sequential(
            nn.Conv2d(channels, waist, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(waist, channels, 3, padding=1),
            ChannelAttention(channels=channels, squeeze=squeeze),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.cab(x)


class HybridBlock(nn.Module):
    """HAB of the paper: x + attention(norm(x)) + conv_scale * cab(norm(x)), then x + mlp(norm(x)).

    Args:
        attention: makes the attention, called with `channels`, `heads`, `window` and `shift`.
        channels: of the grid.
        heads: attention heads.
        window: pixels along a window's side.
        shift: pixels by which the windows are displaced.
        compress: see ConvBlock.
        squeeze: see ChannelAttention.
        conv_scale: weight of the convolutional branch ("alpha").
        mlp_ratio: hidden width of the MLP over `channels`.
        drop_path: chance that a sample skips the attention or the MLP in training.
    """

    def __init__(
        self,
        *,
        attention: Callable[..., ShiftedWindows],
        channels: int,
        heads: int,
        window: int,
        shift: int,
        compress: int,
        squeeze: int,
        conv_scale: float,
        mlp_ratio: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.conv_scale = conv_scale
        self.norm1 = nn.LayerNorm(channels)
        self.attn = attention(channels=channels, heads=heads, window=window, shift=shift)
        self.conv_block = ConvBlock(channels=channels, compress=compress, squeeze=squeeze)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        y = self.norm1(x)
        x = x + self.drop_path(self.attn(y)) + self.conv_scale * convolve(self.conv_block, y)
        return x + self.drop_path(self.mlp(self.norm2(x)))


class SurroundingAttention(nn.Module):
    """OCAB of the paper: queries from windows, keys and values from larger squares around them; then x + mlp(norm(x)).

    What queries and keys know of their positions is the subclass's.

    Keys and values beyond the image's border are zero and are attended to, as published.

    Args:
        channels: of the grid, a multiple of `heads`.
        heads: attention heads.
        window: pixels along the side of the windows that queries come from.
        overlap: the squares around them are (1 + overlap) * window pixels wide, centred; so many more pixels must be even.
        mlp_ratio: hidden width of the MLP over `channels`.
    """

    def __init__(self, *, channels: int, heads: int, window: int, overlap: float, mlp_ratio: float) -> None:
        super().__init__()
        added = int(window * overlap)
        if added % 2:
            raise ValueError(f"overlap {overlap} of window {window} adds {added} pixels, which do not halve.")
        self.heads, self.window, self.margin, self.overlap_window = heads, window, added // 2, window + added
        self.scale = (channels // heads) ** -0.5
        self.add_positions(channels // heads)
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        q, k, v = project_in(self.qkv, self.norm1(x), 3 * self.heads).chunk(3, dim=-1)
        order = window_order(*x.shape[:3], self.window, 0, x.device)
        queries = split_heads(to_windows(q, order, self.window), self.heads)
        keys, values = (split_heads(self._surroundings(part), self.heads) for part in (k, v))
        queries, keys = self.placed(queries, keys)
        attended = join_heads(attend(queries, keys, values, self.bias(), self.scale))
        x = x + from_windows(project_out(self.proj, attended, self.heads), order, x.shape)
        return x + self.mlp(self.norm2(x))

    def _surroundings(self, grid: Float[Tensor, "b h w c"]) -> Float[Tensor, "windows m c"]:
        """The square around every window, row by row."""
        around = nn.functional.pad(grid, (0, 0, *[self.margin] * 4))
        squares = around.unfold(1, self.overlap_window, self.window).unfold(2, self.overlap_window, self.window)
        # (b, window's row, its column, c, row, column) -> (windows, row * column, c)
        return squares.permute(0, 1, 2, 4, 5, 3).flatten(3, 4).flatten(0, 2)

    def add_positions(self, width: int) -> None:
        """Makes the weights of positions; `width` is a head's."""
        raise NotImplementedError

    def bias(self) -> Float[Tensor, "heads n m"] | None:
        """Added to the logits of every window; None: nothing."""
        return None

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (windows, heads, n, d) and keys (windows, heads, m, d), as they are compared."""
        return q, k


class OverlapAttention(SurroundingAttention):
    """With a learned bias for every relative position."""

    def add_positions(self, width: int) -> None:
        side = self.window + self.overlap_window - 1
        # the published table starts at another offset: row 0 holds (overlap_window - window - 1) along both axes
        self.roll = (side + 1) * (self.overlap_window - 2)
        self.relative_position_bias_table = nn.Parameter(torch.empty(side**2, self.heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def bias(self) -> Float[Tensor, "heads n m"]:
        """Of every pixel of a window and every one of its surroundings."""
        return relative_bias(self.relative_position_bias_table.roll(self.roll, 0), own=self.window, other=self.overlap_window)


class HAT(WindowTransformer):
    """Features of RGB in [0, 1] on a grid `upscale` times as fine. HAT: 6 groups of 6 blocks, window 16; HAT-L: 12 groups.

    Args:
        channels: width of the body.
        depths: blocks of every group; odd blocks are shifted by half a window.
        heads: attention heads of every group.
        window: LR pixels along a window's side.
        compress: the convolutional branch narrows to channels // compress.
        squeeze: its channel attention narrows to channels // squeeze.
        conv_scale: weight of the convolutional branch.
        overlap: surroundings of a window in the last attention of a group are (1 + overlap) times as wide as the window.
        mlp_ratio: hidden width of the MLPs over `channels`.
        drop_path: chance that a sample skips a branch of the last block in training; it grows linearly from 0 at the first.
        upscale: 1, 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features.
        checkpointing: trade time for memory in training: keep only the blocks' inputs.

    Attributes:
        attention, surroundings: what its blocks, and what its groups end with, are made of.
    """

    attention: type[ShiftedWindows] = WindowAttention
    surroundings: type[SurroundingAttention] = OverlapAttention

    def __init__(
        self,
        *,
        channels: Width,
        depths: Depths,
        heads: Depths,
        window: Depth,
        compress: Width,
        squeeze: Width,
        conv_scale: Number,
        overlap: Fraction,
        mlp_ratio: Annotated[Number, Gt(0), Le(100)],
        drop_path: BelowOne,
        upscale: Upscale,
        out_channels: Width,
        checkpointing: bool,
    ) -> None:
        block = partial(
            HybridBlock, attention=self.attention, channels=channels, window=window, compress=compress, squeeze=squeeze,
            conv_scale=conv_scale, mlp_ratio=mlp_ratio,
        )  # fmt: skip
        wide = partial(self.surroundings, channels=channels, window=window, overlap=overlap, mlp_ratio=mlp_ratio)
        groups = residual_groups(
            channels=channels, depths=depths, heads=heads, window=window, drop_path=drop_path, block=block,
            overlap_attn=wide, checkpointing=checkpointing,
        )  # fmt: skip
        super().__init__(
            channels=channels, groups=groups, size_multiple=window, upscale=upscale, out_channels=out_channels, has_head=True
        )
