"""GSASR's attentions within a window: from seeds of Gaussians to features, or to each other, and to the scale.

Seeds and features are on grids of the same size, so a query and a key are each at a pixel of a square window.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.encoders.rotary_positions import add_rotary_positions, angles_of, rotate
from splatsr.encoders.window_attention import attend, join_heads, project_in, project_out, split_heads


class SeedAttention(nn.Module):
    """Multi-head attention; what queries and keys know of their positions is the subclass's.

    Args:
        channels: of queries and context, a multiple of `heads`.
        heads: attention heads.
        window: pixels along a window's side.
        crossing: whether the context is another grid than the queries'.
    """

    def __init__(self, *, channels: int, heads: int, window: int, crossing: bool) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels ({channels}) must be a multiple of heads ({heads}).")
        self.heads, self.scale = heads, (channels // heads) ** -0.5
        self.add_positions(channels // heads, window, crossing)
        self.qhead, self.khead, self.vhead = (nn.Linear(channels, channels) for _ in range(3))
        self.proj = nn.Linear(channels, channels)

    def forward(
        self, queries: Float[Tensor, "windows n c"], context: Float[Tensor, "windows n c"]
    ) -> Float[Tensor, "windows n c"]:
        """What the queries find in the context of their window."""
        layers = ((self.qhead, queries), (self.khead, context), (self.vhead, context))
        q, k, v = (split_heads(project_in(layer, x, self.heads), self.heads) for layer, x in layers)
        q, k = self.placed(q, k)
        return project_out(self.proj, join_heads(attend(q, k, v, self.bias(), self.scale)), self.heads)

    def add_positions(self, width: int, window: int, crossing: bool) -> None:
        """Makes the weights of positions; `width` is a head's."""
        raise NotImplementedError

    def bias(self) -> Float[Tensor, "heads n n"] | None:
        """Added to the logits of every window; None: nothing."""
        return None

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys (windows, heads, n, d), as they are compared."""
        return q, k


class BiasedSeedAttention(SeedAttention):
    """With a learned bias for every relative position, of the paper's networks.

    `relative_position_index` says which row of the table a pair of pixels has. It is saved, as published: that of the crossing
    attention follows from the order in which the authors' program met the offsets (`crossing_index`), and a file says what
    its network was trained with.
    """

    def add_positions(self, width: int, window: int, crossing: bool) -> None:
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, self.heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", crossing_index(window) if crossing else swin_index(window))

    def _load_from_state_dict(
        self, state: dict[str, Any], prefix: str, metadata: Any, strict: bool, missing: Any, unexpected: Any, errors: list[str]
    ) -> None:
        """As of any module; rows that the table has not are an error of the file."""
        super()._load_from_state_dict(state, prefix, metadata, strict, missing, unexpected, errors)
        name, rows = f"{prefix}relative_position_index", len(self.relative_position_bias_table)
        index = state.get(name)
        if index is not None and not bool(((index >= 0) & (index < rows)).all()):
            errors.append(f"{name} must name rows 0 to {rows - 1} of its table.")

    def bias(self) -> Float[Tensor, "heads n n"]:
        """Of every pair of pixels."""
        index = self.relative_position_index
        return self.relative_position_bias_table[index.flatten()].unflatten(0, index.shape).permute(2, 0, 1)


class RotarySeedAttention(SeedAttention):
    """With rotary positions, of the enhanced networks: those of a query and of a key at the same pixel are the same."""

    def add_positions(self, width: int, window: int, crossing: bool) -> None:
        add_rotary_positions(self, heads=self.heads, width=width, side=window)

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Both turned by where they are in their window."""
        angles = angles_of(self)
        return rotate(q, angles), rotate(k, angles)


class ScaleAttention(nn.Module):
    """Multi-head attention to tokens that are all the same vector: whatever asks, every weight is the same, so that the answer
    is what the output layer makes of that vector's value.

    The published networks compute it with 144 copies of the vector. Weights of queries and keys are kept for their files, two
    thirds of `in_proj_weight` and `in_proj_bias`; they have no effect and get no gradient there either.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.out_proj = nn.Linear(channels, channels)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, token: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """What every query finds."""
        values = 2 * len(self.in_proj_bias) // 3
        return self.out_proj(linear(token, self.in_proj_weight[values:], self.in_proj_bias[values:]))


def swin_index(window: int) -> Int64[Tensor, "{window}**2 {window}**2"]:
    """Row of the table for (query, key): by the offset query minus key, vertical slowest."""
    return _index(window, list(range(2 * window - 1)), stride=2 * window - 1)


def crossing_index(window: int) -> Int64[Tensor, "{window}**2 {window}**2"]:
    """The published index from seeds to features, offsets along an axis ranked 0, 11, -10, 1, -9, 2, ..., -1, 10, -11 (window
    12).

    The order is that of an unordered set in the authors' program; other windows are ranked alike. The stride is one too small,
    as published, so that offsets in neighbouring rows share a row of the table where one is the last and one the first.
    """
    middle = [offset for step in range(1, window - 1) for offset in (step + 1 - window, step)]
    order = list(dict.fromkeys([0, window - 1, *middle, 1 - window]))
    ranks = [order.index(offset) for offset in range(1 - window, window)]
    return _index(window, ranks, stride=max(2 * window - 2, 1))


def _index(window: int, ranks: Sequence[int], *, stride: int) -> Tensor:
    """stride * rank(dy) + rank(dx) of all pairs of pixels; ranks are those of 1 - window to window - 1."""
    pixels = torch.arange(window**2)
    rank = torch.tensor(ranks)
    down, across = (axis[:, None] - axis + window - 1 for axis in (pixels // window, pixels % window))
    return stride * rank[down] + rank[across]
