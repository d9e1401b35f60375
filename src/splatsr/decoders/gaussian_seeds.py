"""GSASR's decoder ("Fea2GS"): learned seeds of Gaussians look at the features, at each other and at the scale, and become
sixteen Gaussians per LR pixel (Chen et al., ICCV 2025, section 3).

There is a seed for every LR pixel, the same ones in every window. Grids are channels-last (B, h, w, C), the window divides h
and w.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import torch
from annotated_types import Ge, Le
from jaxtyping import Float
from timm.layers import Mlp
from torch import Tensor, nn

from splatsr.bounds import Depth, Depths, Width
from splatsr.decoders.seed_attention import BiasedSeedAttention, RotarySeedAttention, ScaleAttention, SeedAttention
from splatsr.encoders.window_attention import from_windows, to_windows, window_order
from splatsr.encoders.window_transformer import convolve
from splatsr.heads.mlp import by_position, mlp

PER_SIDE = 4
"""Gaussians along a side of an LR pixel: two pixel shuffles."""

PARAMETERS = {"sigma": 2, "rho": 1, "alpha": 1, "rgb": 3, "mean": 2}
"""Heads, in the order of their output, and its numbers."""


class Conditions(NamedTuple):
    """What layers see beside their grid."""

    scale: Float[Tensor, "b c"]
    positions: Float[Tensor, "1 h w c"]
    features: Float[Tensor, "b h w c"]


def _in_windows(
    attention: SeedAttention, window: int, queries: Float[Tensor, "b h w c"], context: Float[Tensor, "b h w c"], shift: int = 0
) -> Float[Tensor, "b h w c"]:
    """The attention, window by window; windows lie `shift` pixels off the corner, cyclically, and nothing is masked."""
    order = window_order(*queries.shape[:3], window, shift, queries.device)
    found = attention(to_windows(queries, order, window), to_windows(context, order, window))
    return from_windows(found, order, queries.shape)


class InjectionLayer(nn.Module):
    """Scale and features are taken in (the paper's condition injection): four residual branches.

    Args:
        attention: the kind.
        channels: of the grid.
        heads: attention heads.
        window: pixels along a window's side.
        shift: pixels by which the features are displaced against the seeds, cyclically.
    """

    def __init__(self, *, attention: type[SeedAttention], channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.gs_cross_attn_scale = ScaleAttention(channels=channels)
        self.window_cross_attn = attention(channels=channels, heads=heads, window=window, crossing=True)
        # norm1 is that of the scale's queries, on which nothing depends (`ScaleAttention`): kept for files.
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(channels) for _ in range(4))
        self.mlp_crossattn_scale, self.mlp_crossattn_feature = (_mlp(channels) for _ in range(2))

    def forward(self, x: Float[Tensor, "b h w c"], conditions: Conditions) -> Float[Tensor, "b h w c"]:
        x = x + self.gs_cross_attn_scale(conditions.scale)[:, None, None]
        x = x + self.mlp_crossattn_scale(self.norm2(x))
        features = conditions.features.roll((-self.shift, -self.shift), (1, 2)) if self.shift else conditions.features
        x = x + _in_windows(self.window_cross_attn, self.window, self.norm3(x) + conditions.positions, features)
        return x + self.mlp_crossattn_feature(self.norm4(x))


class InteractionLayer(nn.Module):
    """Seeds see each other: four residual branches. Arguments as those of `InjectionLayer`; the windows are displaced."""

    def __init__(self, *, attention: type[SeedAttention], channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.gs_self_attn = attention(channels=channels, heads=heads, window=window, crossing=False)
        self.gs_cross_attn_scale = ScaleAttention(channels=channels)
        # norm3 is that of the scale's queries, on which nothing depends: kept for files.
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(channels) for _ in range(4))
        self.mlp_selfattn, self.mlp_crossattn = (_mlp(channels) for _ in range(2))

    def forward(self, x: Float[Tensor, "b h w c"], conditions: Conditions) -> Float[Tensor, "b h w c"]:
        x = x + self.gs_cross_attn_scale(conditions.scale)[:, None, None]
        x = x + self.mlp_crossattn(self.norm4(x))
        y = self.norm1(x)
        x = x + _in_windows(self.gs_self_attn, self.window, y, y, self.shift)
        return x + self.mlp_selfattn(self.norm2(x))


class SeedBlock(nn.Module):
    """x + mlp(layers(norm(x))), with a convolution after the MLP where there is one.

    Args:
        channels: of the grid.
        layers: one after the other.
        convolution: whether there is one (the enhanced networks).
    """

    def __init__(self, *, channels: int, layers: Sequence[nn.Module], convolution: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(layers)
        self.mlp = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.conv = nn.Conv2d(channels, channels, 3, padding=1) if convolution else None

    def forward(self, x: Float[Tensor, "b h w c"], conditions: Conditions) -> Float[Tensor, "b h w c"]:
        y = self.norm(x)
        for layer in self.blocks:
            y = layer(y, conditions)
        y = self.mlp(y)
        return x + (y if self.conv is None else convolve(self.conv, y))


class GaussianSeeds(nn.Module):
    """Features and a scale to the raw parameters of Gaussians.

    Args:
        in_channels: of the features.
        channels: of the seeds (published: 180, enhanced 192).
        heads: of all attentions, which divide the channels (published: 6).
        window: pixels along a window's side, and seeds (published: 12 or 16).
        injection: layers of every block that takes scale and features in; every other layer is displaced by half a window.
        interaction: likewise, of every block in which seeds see each other.
        positions: "biases" for learned biases (the paper), "rotary" for rotary ones and convolutions between blocks (enhanced).
    """

    def __init__(
        self,
        *,
        in_channels: Width,
        channels: Width,
        heads: Depth,
        window: Annotated[int, Ge(2), Le(64)],
        injection: Depths,
        interaction: Depths,
        positions: Literal["biases", "rotary"],
    ) -> None:
        super().__init__()
        self.window = window
        is_rotary = positions == "rotary"
        attention = RotarySeedAttention if is_rotary else BiasedSeedAttention

        def blocks(layer: type[InjectionLayer] | type[InteractionLayer], depths: Sequence[int]) -> nn.ModuleList:
            made = []
            for depth in depths:
                shifts = [window // 2 if index % 2 else 0 for index in range(depth)]
                layers = [
                    layer(attention=attention, channels=channels, heads=heads, window=window, shift=shift) for shift in shifts
                ]
                made.append(SeedBlock(channels=channels, layers=layers, convolution=is_rotary))
            return nn.ModuleList(made)

        self.gs_embedding, self.pos_embedding = (nn.Parameter(torch.randn(window**2, channels)) for _ in range(2))
        self.scale_mlp = nn.Sequential(nn.Linear(1, 4 * channels), nn.ReLU(), nn.Linear(4 * channels, channels))
        self.img_feat_proj = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.window_crossattn_blocks = blocks(InjectionLayer, injection)
        self.gs_selfattn_blocks = blocks(InteractionLayer, interaction)
        self.conv_final = nn.Conv2d(channels, channels, 3, padding=1) if is_rotary else None
        wider = (nn.Conv2d(channels, 4 * channels, 3, padding=1) for _ in range(2))
        self.UPNet = nn.Sequential(*(layer for conv in wider for layer in (conv, nn.PixelShuffle(2))))
        for name, count in PARAMETERS.items():
            self.add_module(f"mlp_block_{name}", mlp([channels, channels, 4 * channels, count], nn.ReLU))

    def forward(
        self, features: Float[Tensor, "b c h w"], inverse_scale: Float[Tensor, " b"]
    ) -> Float[Tensor, "b 16*{features.shape[2]}*{features.shape[3]} raw=9"]:
        """(sigma vertical, sigma horizontal, rho, alpha, r, g, b, x, y) of every Gaussian, row by row of the 4h x 4w grid.

        All but (x, y) are raw, see `gaussian_kernels`; centres are in [0, 1]^2 across the image, and may leave it. The window
        divides h and w.
        """
        height, width = features.shape[-2:]
        conditions = Conditions(
            self.scale_mlp(inverse_scale[:, None]),
            self._on_grid(self.pos_embedding, height, width),
            self.img_feat_proj(features).permute(0, 2, 3, 1),
        )
        x = self._on_grid(self.gs_embedding, height, width).expand(len(features), -1, -1, -1)
        for block in self.window_crossattn_blocks:
            x = block(x, conditions)
        injected = x
        for block in self.gs_selfattn_blocks:
            x = block(x, conditions)
        if self.conv_final is not None:
            x = convolve(self.conv_final, x)
        fine = self.UPNet((x + injected).permute(0, 3, 1, 2)).flatten(2).mT
        *raw, offsets = (by_position(self.get_submodule(f"mlp_block_{name}"), fine) for name in PARAMETERS)
        return torch.cat([*raw, self._centres(offsets, PER_SIDE * height, PER_SIDE * width)], dim=-1)

    def _on_grid(self, seeds: Float[Tensor, "n c"], height: int, width: int) -> Float[Tensor, "1 {height} {width} c"]:
        """The same seeds in every window."""
        window = seeds.unflatten(0, (self.window, self.window))
        return window.repeat(height // self.window, width // self.window, 1)[None]

    @staticmethod
    def _centres(offsets: Float[Tensor, "b n xy=2"], rows: int, columns: int) -> Float[Tensor, "b n xy=2"]:
        """The cells' centres and the offsets, which are in cells."""
        y, x = (torch.arange(side, device=offsets.device, dtype=offsets.dtype) + 0.5 for side in (rows, columns))
        centres = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1)
        return (offsets + centres) / offsets.new_tensor([columns, rows])


def _mlp(channels: int) -> Mlp:
    return Mlp(channels, channels, act_layer=nn.ReLU)
