"""Galerkin attention (Cao, "Choose a Transformer", NeurIPS 2021) as SRNO has it: without softmax, linear in the queries.

Queries, keys and values are linear in the features of a point; keys and values are normalised, and then every point is given
query . (mean over all points of key value^T), head by head.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from splatsr.decoders.pointwise import pointwise

_LEAST = 1e-30
"""Of a variance, for the gradient's sake: equal channels have none."""


class HeadNorm(nn.Module):
    """(x - mean) / (deviation + 1e-5) over the channels of every head, with factors and offsets of their own; the deviation is
    the sample's (n - 1), as published."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads, 1, width))
        self.bias = nn.Parameter(torch.zeros(heads, 1, width))

    def forward(self, x: Float[Tensor, "b q heads width"]) -> Float[Tensor, "b q heads width"]:
        """Every point and head for itself; means are products with matrices, which are faster than sums over a few numbers."""
        width = x.shape[-1]
        mean = x.new_full((width, width), 1 / width)
        centred = x @ (torch.eye(width, dtype=x.dtype, device=x.device) - mean)
        deviation = (centred.square() @ (mean * (width / (width - 1)))).clamp(min=_LEAST).sqrt()
        return centred / (deviation + 1e-5) * self.weight[:, 0] + self.bias[:, 0]


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
        weight, bias = self._projection(slice(1, 3))
        keys, values = linear(x, weight.flatten(0, 2), bias.flatten()).unflatten(-1, bias.shape).unbind(-2)
        return torch.einsum("bqhi,bqhj->bhij", self.kln(keys), self.vln(values))

    def forward(self, x: Float[Tensor, "b q c"], mean: Float[Tensor, "b heads width width"]) -> Float[Tensor, "b q c"]:
        """New features, from `mean`, that of `sums` over all points.

        What a point is given is linear in its features once the mean is known; with the layer behind it that is one product.
        """
        weight, bias = (part[:, 0] for part in self._projection(slice(0, 1)))
        given = torch.einsum("bhij,hic->bhjc", mean, weight).flatten(1, 2)
        constant = torch.einsum("bhij,hi->bhj", mean, bias).flatten(1)
        first = self.o_proj1.weight[:, :, 0, 0]
        attended = torch.baddbmm(pointwise(self.o_proj1, constant)[:, None], x, (first + first @ given).mT)
        return x + pointwise(self.o_proj2, gelu(attended))

    def _projection(self, chosen: slice) -> tuple[Float[Tensor, "heads some width c"], Float[Tensor, "heads some width"]]:
        """(weight, bias) of what makes queries, keys and values, of those that are chosen; a head's channels lie together."""
        assert self.qkv_proj.bias is not None
        whole = self.qkv_proj.weight[:, :, 0, 0], self.qkv_proj.bias
        weight, bias = (part.unflatten(0, (self.heads, 3, -1))[:, chosen] for part in whole)
        return weight, bias
