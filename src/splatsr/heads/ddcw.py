"""DDCW, Deep Gaussian Prior-Driven Covariance Weighting (ContinuousSR section 4.3): the kernels' shapes.

Each kernel's Cholesky row is a softmax-weighted mean of the dictionary's rows: weights = softmax(query . key) (equation 8), the
query from a 3x3 convolution on the features, the keys from an MLP on the dictionary (equation 7). (The paper's equation 9
mixes kernels; the published code mixes their Cholesky rows, which makes one kernel of them, and so does this.)
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from splatsr.bounds import Width, Widths
from splatsr.heads.mlp import mlp, of_chosen
from splatsr.heads.shapes_head import ShapesHead
from splatsr.image.precision import widened

CHUNK = {"cpu": 1024, "cuda": 65536, "mps": 65536}
"""Kernels whose weights exist at the same time, by device: 1024 * 730 floats are 3 MB, whatever the image, and fit into a
processor's cache; a GPU wants more at once, for every chunk costs it a dozen launches."""


class DDCW(ShapesHead):
    """Features to Cholesky rows in dictionary units.

    Args:
        channels: of the features.
        dictionary: the rows (l11, l21, l22); fixed, rebuilt by the constructor and not part of the state dict.
        embedding: width of queries and keys.
        embedding_hidden: hidden widths of the dictionary's MLP.
    """

    def __init__(
        self, *, channels: int, dictionary: Float[Tensor, "rows l11_l21_l22=3"], embedding: Width, embedding_hidden: Widths
    ) -> None:
        super().__init__()
        self.dictionary: Tensor
        self.register_buffer("dictionary", dictionary, persistent=False)
        self.query = nn.Conv2d(channels, embedding, 3, padding=1)
        self.embedding = mlp([3, *embedding_hidden, embedding])
        self._remembered: tuple[list[Tensor], Tensor] | None = None

    def forward(
        self, features: Float[Tensor, "b c h w"], chosen: Bool[Tensor, "b h*w"] | None = None
    ) -> Float[Tensor, "b h*w l11_l21_l22=3"]:
        queries, keys = self.query(features).flatten(2).transpose(1, 2), self._keys()
        if chosen is not None:
            return of_chosen(lambda some: WeightedRows.apply(some, keys, self.dictionary), queries, chosen)
        return WeightedRows.apply(queries, keys, self.dictionary)

    @property
    def mean_row(self) -> Float[Tensor, "l11_l21_l22=3"]:
        """The dictionary's mean: the row that uniform weights give."""
        return self.dictionary.mean(0)

    @property
    def longest_deviation(self) -> float:
        """The longest standard deviation along either axis that any weights can give, in dictionary units."""
        l11, l21, l22 = self.dictionary.unbind(-1)
        return torch.maximum(l11.abs(), torch.hypot(l21, l22)).max().item()

    def start_at_mean_row(self) -> None:
        """Re-initialises such that every kernel has the mean row: queries are zero."""
        for parameter in self.query.parameters():
            nn.init.zeros_(parameter)

    def train(self, mode: bool = True) -> "DDCW":
        """Also forgets the keys that inference has kept: train() and eval() compute them anew."""
        self._remembered = None
        return super().train(mode)

    def _keys(self) -> Float[Tensor, "rows e"]:
        """embedding(dictionary). It does not depend on the image: in inference it is computed once for the same weights."""
        if torch.is_grad_enabled() or torch.is_autocast_enabled(self.dictionary.device.type):
            return self.embedding(self.dictionary)
        inputs = [self.dictionary, *self.embedding.parameters()]
        # compared by value, which is exact however weights change, and takes a hundredth of the perceptron's time
        if self._remembered is None or not all(_same(*pair) for pair in zip(inputs, self._remembered[0], strict=True)):
            self._remembered = [part.detach().clone() for part in inputs], self.embedding(self.dictionary)
        return self._remembered[1]


class WeightedRows(torch.autograd.Function):
    """softmax(queries @ keys^T) @ rows in chunks of kernels: the weights are never all in memory, nor kept for backward.

    The backward pass computes the weights again, chunk by chunk, from queries and keys, as FlashAttention does (Dao et al.
    2022, section 3.1). Theirs also cuts the keys into blocks; a dictionary has few enough of them to stay whole.

    Queries (B, N, E), keys (R, E), rows (R, 3, constant); computed in float32 or wider. (Fused attention was measured: on a
    CPU it takes 1.5 times as long for E = 512, where it wants values as wide as keys, and for E = 64 a fifth less, or as
    long with gradients. On an H100 its forward pass takes a quarter less for E = 64; its backward pass takes a fifth less for
    64 images and fourteen times as long for one of 2 million kernels, and does not give the same bits twice.)
    """

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, keys: Tensor, rows: Tensor) -> Tensor:
        with torch.autocast(queries.device.type, enabled=False):
            wide_keys, wide_rows = widened(keys), widened(rows)
            mixed = queries.new_empty((*queries.shape[:2], 3), dtype=wide_rows.dtype)
            columns = wide_rows.T.contiguous()  # products with three columns are slow, those with three rows are not
            for chunk, target in zip(_chunks(queries), _chunks(mixed), strict=True):
                weights = torch.softmax(chunk @ wide_keys.T, -1)
                rows_of_chunk = (columns @ weights.flatten(0, 1).T).T.unflatten(0, weights.shape[:2])
                target.copy_(rows_of_chunk)  # small results kept between large ones would fragment the heap
        ctx.save_for_backward(queries, keys, rows, mixed)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None]:
        """d/dlogit_r = weight_r * (g . row_r - g . mixed), g being the gradient of the mixed row."""
        with torch.autocast(upstream.device.type, enabled=False):  # which a compiled backward pass would be traced under
            return *_gradients(upstream, *ctx.saved_tensors), None


def _gradients(upstream: Tensor, queries: Tensor, keys: Tensor, rows: Tensor, mixed: Tensor) -> tuple[Tensor, Tensor]:
    """Of queries and keys; see `WeightedRows.backward`."""
    wide_keys, of_queries = widened(keys), []
    of_keys = torch.zeros_like(wide_keys)
    # The bracket is one product, (g, -g . mixed) . (row_r, 1), if every row gets a fourth entry of 1.
    rows_and_one = nn.functional.pad(widened(rows), (0, 1), value=1.0)
    minus_g_mixed = -(upstream * mixed).sum(-1, keepdim=True)
    for chunk, gradient in zip(_chunks(queries), _chunks(torch.cat([upstream, minus_g_mixed], dim=-1)), strict=True):
        # The weights of this chunk are computed again, and overwritten by the gradient of its logits.
        of_logits = torch.softmax(chunk @ wide_keys.T, -1).mul_(gradient @ rows_and_one.T)
        # A logit is query . key: each one's gradient is the logits' gradient times the other.
        of_queries.append(of_logits @ wide_keys)
        of_keys.addmm_(of_logits.flatten(0, 1).T, chunk.flatten(0, 1))  # summed over all chunks and images
    return torch.cat(of_queries, dim=1).to(queries.dtype), of_keys.to(keys.dtype)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.device == b.device and a.dtype == b.dtype and torch.equal(a, b)


def _chunks(tensor: Tensor) -> Iterator[Tensor]:
    """Pieces along the kernels of all images; views, so that the queries are not copied as a whole."""
    return (widened(chunk) for chunk in tensor.split(max(1, CHUNK[tensor.device.type] // len(tensor)), dim=1))
