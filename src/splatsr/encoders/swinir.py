"""SwinIR encoder (Liang et al. 2021, "SwinIR: Image Restoration Using Swin Transformer", classical super-resolution)."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from annotated_types import Gt, Le
from jaxtyping import Float
from timm.layers import DropPath, Mlp
from torch import Tensor, nn

from splatsr.bounds import BelowOne, Depth, Depths, Upscale, Width
from splatsr.encoders.window_attention import WindowAttention
from splatsr.encoders.window_transformer import ResidualGroup, WindowTransformer, residual_groups
from splatsr.geometry import Number


class SwinBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): the Swin transformer layer (SwinIR, equation 5).

    Args:
        channels: of the grid.
        heads: attention heads.
        window: pixels along a window's side.
        shift: pixels by which the windows are displaced.
        mlp_ratio: hidden width of the MLP over `channels`.
        drop_path: chance that a sample skips a branch in training.
    """

    def __init__(self, *, channels: int, heads: int, window: int, shift: int, mlp_ratio: float, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels=channels, heads=heads, window=window, shift=shift)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class SwinIR(WindowTransformer):
    """Features of RGB in [0, 1] on a grid `upscale` times as fine. SwinIR-M: 180 channels, 6 groups of 6 blocks, window 8.

    Args:
        channels: width of the body.
        depths: blocks of every group; odd blocks are shifted by half a window.
        heads: attention heads of every group.
        window: LR pixels along a window's side.
        mlp_ratio: hidden width of the MLPs over `channels`.
        drop_path: chance that a sample skips a branch of the last block in training; it grows linearly from 0 at the first.
        upscale: 1, 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features.
        checkpointing: trade time for memory in training: keep only the blocks' inputs.
    """

    def __init__(
        self,
        *,
        channels: Width,
        depths: Depths,
        heads: Depths,
        window: Depth,
        mlp_ratio: Annotated[Number, Gt(0), Le(100)],
        drop_path: BelowOne,
        upscale: Upscale,
        out_channels: Width,
        checkpointing: bool,
    ) -> None:
        groups = swin_groups(
            channels=channels, depths=depths, heads=heads, window=window, mlp_ratio=mlp_ratio, drop_path=drop_path,
            checkpointing=checkpointing,
        )  # fmt: skip
        super().__init__(
            channels=channels, groups=groups, size_multiple=window, upscale=upscale, out_channels=out_channels, has_head=True
        )


def swin_groups(
    *,
    channels: int,
    depths: Sequence[int],
    heads: Sequence[int],
    window: int,
    mlp_ratio: float,
    drop_path: float,
    checkpointing: bool,
) -> list[ResidualGroup]:
    """SwinIR's body, see its arguments."""
    block = partial(SwinBlock, channels=channels, window=window, mlp_ratio=mlp_ratio)
    return residual_groups(
        channels=channels, depths=depths, heads=heads, window=window, drop_path=drop_path, block=block,
        overlap_attn=None, checkpointing=checkpointing,
    )  # fmt: skip
