"""DDCW, Deep Gaussian Prior-Driven Covariance Weighting (ContinuousSR section 3.3): the kernels' shapes.

Each kernel's Cholesky row is a softmax-weighted mean of the dictionary's rows: weights = softmax(query . key), the query
from a 3x3 convolution on the features, the keys from an MLP on the dictionary. (The paper's equation 9 mixes kernels; the
published code mixes their Cholesky rows, which makes one kernel of them, and so does this.)
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from splatsr.models.mlp import mlp

CHUNK = 4096
"""Kernels whose weights exist at the same time: 4096 * 730 floats are 12 MB, whatever the image."""


class DDCW(nn.Module):
    """Features to Cholesky rows in dictionary units.

    Args:
        channels: of the features.
        dictionary: the rows (l11, l21, l22); fixed, rebuilt by the constructor and not part of the state dict.
        embedding: width of queries and keys.
        embedding_hidden: hidden widths of the dictionary's MLP.
    """

    def __init__(
        self, *, channels: int, dictionary: Float[Tensor, "rows 3"], embedding: int, embedding_hidden: Sequence[int]
    ) -> None:
        super().__init__()
        self.register_buffer("dictionary", dictionary, persistent=False)
        self.query = nn.Conv2d(channels, embedding, 3, padding=1)
        self.embedding = mlp([3, *embedding_hidden, embedding])

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h*w 3"]:
        queries = self.query(features).flatten(2).transpose(1, 2)
        keys = self.embedding(self.dictionary)
        return WeightedRows.apply(queries, keys, self.dictionary)


class WeightedRows(torch.autograd.Function):
    """softmax(queries @ keys^T) @ rows in chunks of kernels: the weights are never all in memory, nor kept for backward.

    Queries (B, N, E), keys (R, E), rows (R, 3, constant); computed in float32 or wider.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, keys: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(queries, keys, rows)
        with torch.autocast(queries.device.type, enabled=False):
            keys, rows = _widened(keys), _widened(rows)
            mixed = queries.new_empty((*queries.shape[:2], 3), dtype=rows.dtype)
            for chunk, place in zip(_chunks(queries), _chunks(mixed), strict=True):
                place.copy_(torch.softmax(chunk @ keys.T, -1) @ rows)  # small results between large ones fragment the heap
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None]:
        queries, keys, rows = ctx.saved_tensors
        keys32, rows32 = _widened(keys), _widened(rows)
        to_queries, to_keys = [], torch.zeros_like(keys32)
        for chunk, gradient in zip(_chunks(queries), _chunks(upstream), strict=True):
            weights = torch.softmax(chunk @ keys32.T, -1)
            to_weights = gradient @ rows32.T
            to_logits = weights * (to_weights - (weights * to_weights).sum(-1, keepdim=True))
            to_queries.append(to_logits @ keys32)
            to_keys += to_logits.flatten(0, 1).T @ chunk.flatten(0, 1)
        return torch.cat(to_queries, dim=1).to(queries.dtype), to_keys.to(keys.dtype), None


def _widened(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _chunks(tensor: Tensor) -> Iterator[Tensor]:
    """Pieces along the kernels of all images; views, so that the queries are not copied as a whole."""
    return (_widened(chunk) for chunk in tensor.split(max(1, CHUNK // len(tensor)), dim=1))
