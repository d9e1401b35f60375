"""DRSformer's attention (section 3.2, "top-k sparse attention"): channels attend to channels, each to the most similar ones."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from splatsr.image.precision import in_float32

_SHARES = ((1, 2), (2, 3), (3, 4), (4, 5))
"""Of a head's channels that are kept: four masks, each with a learned weight of its own."""

_FIRST = 0.2
"""First weight of every mask."""


class SparseChannelAttention(nn.Module):
    """Attention between the channels of a map, over all its pixels, with four masks of the largest entries.

    Args:
        channels: of the map.
        heads: among which they are divided.
    """

    def __init__(self, *, channels: int, heads: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be divided among {heads} heads.")
        if channels // heads < 2:
            raise ValueError(f"a head needs 2 channels at least, to keep half of them; got {channels} for {heads} heads.")
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.attn1, self.attn2, self.attn3, self.attn4 = (nn.Parameter(torch.full((1,), _FIRST)) for _ in _SHARES)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself; its result depends on the whole of it."""
        q, k, v = self.qkv_dwconv(self.qkv(x)).unflatten(1, (3, self.heads, -1)).flatten(4).unbind(1)
        weights = in_float32(self._weights, torch.stack([q, k]))
        return self.project_out((weights.to(v.dtype) @ v).reshape(x.shape))

    def _weights(self, queries_and_keys: Float[Tensor, "2 b heads c pixels"]) -> Float[Tensor, "b heads c c"]:
        """The four sparse softmaxes of every channel's similarities, weighted and added."""
        q, k = normalize(queries_and_keys, dim=-1)
        similar = q @ k.mT * self.temperature
        channels = similar.shape[-1]
        kept = [channels * part // whole for part, whole in _SHARES]
        largest = similar.topk(kept[-1], dim=-1).indices  # the largest first
        weights = torch.zeros_like(similar)
        for count, share in zip(kept, (self.attn1, self.attn2, self.attn3, self.attn4), strict=True):
            left_out = torch.ones_like(similar, dtype=torch.bool).scatter(-1, largest[..., :count], False)
            weights = weights + share * similar.masked_fill(left_out, -torch.inf).softmax(-1)
        return weights
