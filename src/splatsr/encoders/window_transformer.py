"""The outline that SwinIR and HAT share: shallow convolution, residual groups of window attention, pixel shuffles.

State-dict names are those of the public weights, without the last RGB convolution `conv_last`. Their index and mask buffers
have no counterpart here: both are derived from the window alone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from splatsr.encoders.encoder import Encoder
from splatsr.encoders.identity_initialisation import repeat_through_shuffles, set_first_outputs
from splatsr.encoders.layout import for_speed
from splatsr.encoders.pixel_shuffle import pixel_shuffles
from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Tiling

_SLOPE = 0.01

_OVERLAP = 4
"""Windows around a tile that are encoded with it."""


def convolve(layer: nn.Module, grid: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
    """A channels-first layer on a channels-last grid; nothing is copied."""
    return layer(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def drop_rates(last: float, blocks: int) -> Iterator[float]:
    """Stochastic depth: the chance that a branch is skipped in training, linear from 0 at the first block to `last`."""
    return (last * index / max(blocks - 1, 1) for index in range(blocks))


class ResidualGroup(nn.Module):
    """x + conv(blocks(x)) on a channels-last grid.

    Args:
        channels: of the grid.
        blocks: applied one after the other.
        overlap_attn: applied after them (HAT), or None.
        checkpointing: keep only the blocks' inputs for the backward pass and compute the rest again.
    """

    def __init__(
        self, *, channels: int, blocks: Sequence[nn.Module], overlap_attn: nn.Module | None, checkpointing: bool
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.residual_group = nn.ModuleDict({"blocks": nn.ModuleList(blocks)})
        if overlap_attn is not None:
            self.residual_group["overlap_attn"] = overlap_attn
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        y = x
        for block in cast(nn.ModuleList, self.residual_group["blocks"]):
            y = self._run(block, y)
        if "overlap_attn" in self.residual_group:
            y = self._run(self.residual_group["overlap_attn"], y)
        return x + convolve(self.conv, y)

    def _run(self, block: nn.Module, x: Tensor) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(block, x, use_reentrant=False)
        return block(x)


def residual_groups(
    *,
    channels: int,
    depths: Sequence[int],
    heads: Sequence[int],
    window: int,
    drop_path: float,
    block: Callable[..., nn.Module],
    overlap_attn: Callable[..., nn.Module] | None,
    checkpointing: bool,
) -> list[ResidualGroup]:
    """The body of SwinIR or HAT.

    Args:
        channels: of the grid.
        depths: blocks of every group; odd blocks are shifted by half a window.
        heads: attention heads of every group.
        window: pixels along a window's side.
        drop_path: of the last block, see `drop_rates`.
        block: makes a block, called with its `heads`, `shift` and `drop_path`.
        overlap_attn: makes what ends a group (HAT), called with its `heads`, or None.
        checkpointing: see `ResidualGroup`.

    Raises:
        ValueError: depths and heads differ in length.
    """
    if len(depths) != len(heads):
        raise ValueError(f"depths and heads must name as many groups, got {len(depths)} and {len(heads)}.")
    rates = drop_rates(drop_path, sum(depths))
    groups = []
    for depth, group_heads in zip(depths, heads, strict=True):
        shifts = [window // 2 if index % 2 else 0 for index in range(depth)]
        blocks = [block(heads=group_heads, shift=shift, drop_path=next(rates)) for shift in shifts]
        last = None if overlap_attn is None else overlap_attn(heads=group_heads)
        groups.append(ResidualGroup(channels=channels, blocks=blocks, overlap_attn=last, checkpointing=checkpointing))
    return groups


class WindowTransformer(Encoder):
    """RGB in [0, 1] in, features on a grid `upscale` times as fine out; no mean is subtracted.

    Images are mirrored at the bottom and the right up to a multiple of `size_multiple` pixels, and the features cropped.
    First weights as published: linear layers and bias tables truncated normal 0.02 with zero biases, norms 1 and 0.

    Args:
        channels: width of the body.
        groups: the body; channels-last grids in and out.
        size_multiple: LR pixels that divide the sides of what the body sees.
        upscale: 1, 2, 3, 4, 6 or 8: pixel-shuffle stages after the body.
        out_channels: channels of the features.
        has_head: whether a convolution to `out_channels` stands between body and pixel shuffles.
    """

    collapses_from_random = True  # with `heads.initialisation.published`

    def __init__(
        self,
        *,
        channels: int,
        groups: Sequence[nn.Module],
        size_multiple: int,
        upscale: int,
        out_channels: int,
        has_head: bool,
    ) -> None:
        super().__init__()
        self.upscale, self.out_channels, self.size_multiple = upscale, out_channels, size_multiple
        # shifted windows pass information on from block to block, and HAT's channel attention sees the whole image at once
        self.tiling = Tiling(overlap=_OVERLAP * size_multiple, multiple=size_multiple, exact=False, support=0)
        self.conv_first = nn.Conv2d(3, channels, 3, padding=1)
        self.patch_embed = nn.ModuleDict({"norm": nn.LayerNorm(channels)})
        self.layers = nn.ModuleList(groups)
        self.norm = nn.LayerNorm(channels)
        self.conv_after_body = nn.Conv2d(channels, channels, 3, padding=1)
        head = (nn.Conv2d(channels, out_channels, 3, padding=1), nn.LeakyReLU(_SLOPE)) if has_head else ()
        self.conv_before_upsample = nn.Sequential(*head)
        self.upsample = pixel_shuffles(
            channels=out_channels if has_head else channels, out_channels=out_channels, upscale=upscale
        )
        self.apply(_first_weights)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of an image of any size."""
        shallow = in_float32(self.conv_first, for_speed(reflect_to_multiple(lr, self.size_multiple)))
        grid = self.patch_embed["norm"](shallow.permute(0, 2, 3, 1))
        for group in self.layers:
            grid = group(grid)
        body = shallow + self.conv_after_body(self.norm(grid).permute(0, 3, 1, 2))
        features = self.upsample(self.conv_before_upsample(body))
        return features[..., : self.upscale * lr.shape[-2], : self.upscale * lr.shape[-1]]

    @torch.no_grad()
    def initialise_identity(self) -> tuple[Float[Tensor, "3 c"], float]:
        """Re-initialises so that six channels pass the input to the output unchanged (nearest-neighbour upsampled).

        The residual path brings RGB to the LeakyReLU; lrelu(x) - lrelu(-x) = (1 + slope) x, so a pair of channels takes
        each color through. Returns (matrix, offset) with  lr = matrix @ features + offset  at every grid position.
        All other weights stay.
        """
        if not self.conv_before_upsample:
            return super().initialise_identity()
        if self.out_channels < 6:
            raise ValueError(f"the identity initialisation needs at least 6 out_channels, got {self.out_channels}.")
        pairs = torch.eye(3).repeat_interleave(2, dim=0)
        pairs[1::2] *= -1
        set_first_outputs(self.conv_first, torch.eye(3))
        set_first_outputs(self.conv_after_body, torch.zeros(3, 3))
        set_first_outputs(self.conv_before_upsample[0], pairs)
        repeat_through_shuffles(self.upsample, 6)
        matrix = torch.zeros(3, self.out_channels)
        matrix[:, :6] = pairs.T / (1 + _SLOPE)
        return matrix, 0.0


def _first_weights(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.trunc_normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
