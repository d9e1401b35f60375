"""Self-attention within windows of a pixel grid, every other time shifted (Liu et al. 2021, "Swin Transformer", section 3.2).

A grid is channels-last, (B, H, W, C), with sides that the window divides; its windows are (B, rows, columns, n, C), n the
pixels of one window, row by row.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_APART = -100.0
"""What the published networks add to the logits of pixels that must not see each other."""


def to_windows(grid: Float[Tensor, "b h w c"], window: int) -> Float[Tensor, "b rows columns {window}*{window} c"]:
    """Cuts a grid into squares of `window` pixels per side."""
    return grid.unflatten(2, (-1, window)).unflatten(1, (-1, window)).transpose(2, 3).flatten(3, 4)


def from_windows(windows: Float[Tensor, "b rows columns {window}*{window} c"], window: int) -> Float[Tensor, "b h w c"]:
    """Puts the squares back; the inverse of `to_windows`."""
    return windows.unflatten(3, (window, window)).transpose(2, 3).flatten(3, 4).flatten(1, 2)


def split_heads(tokens: Float[Tensor, "*windows n c"], heads: int) -> Float[Tensor, "*windows {heads} n d"]:
    """Head k holds channels k * d .. (k + 1) * d - 1."""
    return tokens.unflatten(-1, (heads, -1)).transpose(-2, -3)


def join_heads(tokens: Float[Tensor, "*windows heads n d"]) -> Float[Tensor, "*windows n heads*d"]:
    """The inverse of `split_heads`."""
    return tokens.transpose(-2, -3).flatten(-2)


def attend(
    q: Float[Tensor, "*windows heads n d"],
    k: Float[Tensor, "*windows heads m d"],
    v: Float[Tensor, "*windows heads m d"],
    bias: Float[Tensor, "heads n m"],
) -> Float[Tensor, "*windows heads n d"]:
    """softmax(q k^T / sqrt(d) + bias) v, in every window and head."""
    if q.numel() == 0:
        return q
    width = q.shape[-1]
    # the fused CUDA kernels want heads of 8 k channels (the published ones have 30): zeros change no product
    q4, k4, v4 = (nn.functional.pad(part, (0, -width % 8)).flatten(0, -4) for part in (q, k, v))
    mask = bias[None].to(q.dtype)
    result = nn.functional.scaled_dot_product_attention(q4, k4, v4, attn_mask=mask, scale=width**-0.5)
    return result[..., :width].reshape(q.shape)


def relative_bias(
    table: Float[Tensor, "offsets heads"], *, own: int, other: int
) -> Float[Tensor, "heads {own}*{own} {other}*{other}"]:
    """Spreads a table over pairs of pixels: (y, x) of a square with side `own`, (v, u) of one with side `other`.

    The table has one row for every offset (v - y, u - x), each from 1 - own to other - 1, v - y slowest.
    """
    side = own + other - 1
    # unfolding gives table[s + v, t + u] at [s, t, head, v, u]; flipped, s is own - 1 - y and t is own - 1 - x
    spread = table.unflatten(0, (side, side)).unfold(0, other, 1).unfold(1, other, 1).flip(0, 1)
    return spread.permute(2, 0, 1, 3, 4).flatten(3).flatten(1, 2)


def separation(window: int, shift: int) -> Float[Tensor, "2 2 {window}*{window} {window}*{window}"]:
    """Added to the logits of windows of a grid that was rolled up and left by `shift` pixels.

    Only the last row and the last column of windows hold pixels from opposite sides of the image; these are kept apart.
    Entry [bottom, right] is for windows in the last row (bottom = 1 or not: 0) and in the last column (right).
    """
    wrapped = torch.arange(window) >= window - shift
    row, column = wrapped.repeat_interleave(window), wrapped.repeat(window)
    rows, columns = row[:, None] != row, column[:, None] != column
    apart = torch.stack([torch.zeros_like(rows), columns, rows, rows | columns])
    return torch.where(apart, _APART, 0.0).unflatten(0, (2, 2))


class WindowAttention(nn.Module):
    """Multi-head self-attention in windows with a learned bias for every relative position.

    Args:
        channels: of the grid, a multiple of `heads`.
        heads: attention heads.
        window: pixels along a window's side.
        shift: pixels by which the windows lie off the grid's corner, cyclically; 0: not at all. Pixels from opposite sides
            of the image, that then share a window, do not see each other.
    """

    def __init__(self, *, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels ({channels}) must be a multiple of heads ({heads}).")
        self.heads, self.window, self.shift = heads, window, shift
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        if shift:
            self.register_buffer("separation", separation(window, shift), persistent=False)

    def forward(self, grid: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
        q, k, v = (split_heads(part, self.heads) for part in to_windows(self.qkv(grid), self.window).chunk(3, dim=-1))
        # the published table is for query minus key, the other way round
        bias = relative_bias(self.relative_position_bias_table.flip(0), own=self.window, other=self.window)
        seen = self._attend_shifted(q, k, v, bias) if self.shift else attend(q, k, v, bias)
        result = self.proj(from_windows(join_heads(seen), self.window))
        return result.roll((self.shift, self.shift), (1, 2)) if self.shift else result

    def _attend_shifted(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Inner windows, right column, bottom row and corner apart: four small biases serve images of every size."""
        all_but_last, last = slice(None, -1), slice(-1, None)
        rows = []
        for bottom, down in enumerate((all_but_last, last)):
            row = [
                attend(q[:, down, along], k[:, down, along], v[:, down, along], bias + self.separation[bottom, right])
                for right, along in enumerate((all_but_last, last))
            ]
            rows.append(torch.cat(row, dim=2))
        return torch.cat(rows, dim=1)
