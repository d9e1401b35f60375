"""SwinIR up to the end of its body, without the convolution before the pixel shuffles: the encoder of CiaoSR."""

from typing import Annotated, Literal

from annotated_types import Gt, Le

from splatsr.bounds import BelowOne, Depth, Depths, Width
from splatsr.encoders.swinir import swin_groups
from splatsr.encoders.window_transformer import WindowTransformer
from splatsr.geometry import Number


class SwinIRBody(WindowTransformer):
    """Features of RGB in [0, 1] on the LR grid. SwinIR-M: 180 channels, 6 groups of 6 blocks, window 8.

    Args:
        channels: width of the body, and of the features.
        depths: blocks of every group; odd blocks are shifted by half a window.
        heads: attention heads of every group.
        window: LR pixels along a window's side.
        mlp_ratio: hidden width of the MLPs over `channels`.
        drop_path: chance that a sample skips a branch of the last block in training; it grows linearly from 0 at the first.
        upscale: 1, there is no tail.
        out_channels: equals `channels`.
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
        upscale: Literal[1],
        out_channels: Width,
        checkpointing: bool,
    ) -> None:
        groups = swin_groups(
            channels=channels, depths=depths, heads=heads, window=window, mlp_ratio=mlp_ratio, drop_path=drop_path,
            checkpointing=checkpointing,
        )  # fmt: skip
        super().__init__(
            channels=channels, groups=groups, size_multiple=window, upscale=upscale, out_channels=out_channels, has_head=False
        )
