"""DRSformer's body, "Learning a Sparse Transformer Network for Effective Image Deraining" (Chen et al., CVPR 2023): a U-net of
transformer blocks that attend between channels.

State-dict names are those of the public weights, but for `.body` of norms and resampling and those of the mixtures
(`models.drsformer` has both).
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from annotated_types import Gt, Le, Len
from jaxtyping import Float
from timm.layers import LayerNorm2d
from torch import Tensor, nn

from splatsr.bounds import Depth, Width
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.mixed_scale_feed_forward import MixedScaleFeedForward
from splatsr.encoders.mixture_of_operations import MixtureOfOperations
from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.encoders.sparse_attention import SparseChannelAttention
from splatsr.geometry import Number
from splatsr.image.precision import in_float32

FourLevels = Annotated[Sequence[Depth], Len(4, 4)]


class SparseBlock(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, *, channels: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = (LayerNorm2d(channels, eps=1e-5) for _ in range(2))
        self.attn = SparseChannelAttention(channels=channels, heads=heads)
        self.ffn = MixedScaleFeedForward(channels=channels, hidden=int(channels * expansion))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class SparseTransformer(Encoder):
    """RGB in [0, 1] in, features of every pixel out, which depend on the whole image. Published: 96 channels.

    Args:
        channels: of the features. The first level has half as many (published: 48), each further one twice those before, or two
            more where they are odd.
        depths: blocks of the four levels, on the way down; all but the last have as many on the way up (published: 4, 6, 6, 8).
        heads: of their attention (published: 1, 2, 4, 8).
        expansion: hidden channels of the feed-forward networks over their channels (published: 2.66).
        mixtures: whether a `MixtureOfOperations` stands at both ends (published for Rain200H, DID and DDN; not for Rain200L
            and SPA).
        upscale: 1, there is no tail.
        out_channels: equals `channels`.
    """

    size_multiple = 8

    def __init__(
        self,
        *,
        channels: Width,
        depths: FourLevels,
        heads: FourLevels,
        expansion: Annotated[Number, Gt(0), Le(100)],
        mixtures: bool,
        upscale: Literal[1],
        out_channels: Width,
    ) -> None:
        super().__init__()
        if out_channels != channels or channels % 2:
            raise ValueError(f"channels must be even and equal out_channels; got {channels} and {out_channels}.")
        self.upscale, self.out_channels = upscale, out_channels
        widths = [channels // 2]
        for _ in range(3):
            widths.append(4 * -(-widths[-1] // 2))

        def blocks(level: int, width: int) -> nn.Sequential:
            made = (SparseBlock(channels=width, heads=heads[level], expansion=expansion) for _ in range(depths[level]))
            return nn.Sequential(*made)

        def mixture(width: int) -> nn.Module:
            return MixtureOfOperations(channels=width) if mixtures else nn.Identity()

        self.patch_embed = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.encoder_level0 = mixture(widths[0])
        self.encoder_level1, self.down1_2 = blocks(0, widths[0]), _down(widths[0], widths[1])
        self.encoder_level2, self.down2_3 = blocks(1, widths[1]), _down(widths[1], widths[2])
        self.encoder_level3, self.down3_4 = blocks(2, widths[2]), _down(widths[2], widths[3])
        self.latent = blocks(3, widths[3])
        self.up4_3, self.reduce_chan_level3 = _up(widths[3], widths[2]), nn.Conv2d(widths[3], widths[2], 1, bias=False)
        self.decoder_level3 = blocks(2, widths[2])
        self.up3_2, self.reduce_chan_level2 = _up(widths[2], widths[1]), nn.Conv2d(widths[2], widths[1], 1, bias=False)
        self.decoder_level2 = blocks(1, widths[1])
        self.up2_1 = _up(widths[1], widths[0])
        self.decoder_level1 = blocks(0, channels)
        self.refinement = mixture(channels)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Features of an image of any size; it is mirrored at the bottom and the right up to a multiple of 8 pixels."""
        first = in_float32(self.patch_embed, reflect_to_multiple(lr, self.size_multiple))
        level1 = self.encoder_level1(self.encoder_level0(first))
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        latent = self.latent(self.down3_4(level3))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(latent), level3], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), level2], 1)))
        x = self.refinement(self.decoder_level1(torch.cat([self.up2_1(x), level1], 1)))
        return x[..., : lr.shape[-2], : lr.shape[-1]]


def _down(channels: int, out: int) -> nn.Sequential:
    """Half the size, with `out` channels, a multiple of 4."""
    return nn.Sequential(nn.Conv2d(channels, out // 4, 3, padding=1, bias=False), nn.PixelUnshuffle(2))


def _up(channels: int, out: int) -> nn.Sequential:
    """Twice the size, with `out` channels."""
    return nn.Sequential(nn.Conv2d(channels, 4 * out, 3, padding=1, bias=False), nn.PixelShuffle(2))
