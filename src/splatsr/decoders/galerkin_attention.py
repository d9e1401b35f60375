"""Galerkin attention (Cao, "Choose a Transformer", NeurIPS 2021) as SRNO has it: without softmax, linear in the queries.

Queries, keys and values are linear in the features of a point; keys and values are normalised, and then every point is given
query . (mean over all points of key value^T), head by head.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from splatsr.decoders.pointwise import pointwise


class HeadNorm(nn.Module):
    """(x - mean) / (deviation + 1e-5) over the channels of every head, with factors and offsets of their own; the deviation is
    the sample's (n - 1), as published."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads, 1, width))
        self.bias = nn.Parameter(torch.zeros(heads, 1, width))

    def forward(self, x: Float[Tensor, "b q heads width"]) -> Float[Tensor, "b q heads width"]:
        """Every point and head for itself."""
        normalised = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)
        return normalised * self.weight[:, 0] + self.bias[:, 0]


class GalerkinAttention(nn.Module):
    """One layer. Weights have the shape of the published 1x1 convolutions.

    Args:
        channels: of a point's features; a multiple of `heads`, with at least two per head.
        heads: among which they are divided.
    """

    def __init__(self, *, channels: int, heads: int) -> None:
        super().__init__()
        if channels % heads or channels < 2 * heads:
            raise ValueError(f"{channels} channels cannot be divided among {heads} heads with at least two each.")
        self.heads = heads
        self.qkv_proj = nn.Conv2d(channels, 3 * channels, 1)
        self.o_proj1, self.o_proj2 = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
        self.kln, self.vln = HeadNorm(heads, channels // heads), HeadNorm(heads, channels // heads)

    def sums(self, x: Float[Tensor, "b q c"]) -> Float[Tensor, "b heads width width"]:
        """key value^T, summed over the points."""
        _, keys, values = self._projected(x)
        return torch.einsum("bqhi,bqhj->bhij", self.kln(keys), self.vln(values))

    def forward(self, x: Float[Tensor, "b q c"], mean: Float[Tensor, "b heads width width"]) -> Float[Tensor, "b q c"]:
        """New features, from `mean`, that of `sums` over all points."""
        queries, _, _ = self._projected(x)
        attended = torch.einsum("bqhi,bhij->bqhj", queries, mean).flatten(2) + x
        return x + pointwise(self.o_proj2, gelu(pointwise(self.o_proj1, attended)))

    def _projected(self, x: Float[Tensor, "b q c"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, Q, heads, width): a head's lie next to each other."""
        queries, keys, values = pointwise(self.qkv_proj, x).unflatten(-1, (self.heads, -1)).chunk(3, -1)
        return queries, keys, values
