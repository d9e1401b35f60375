"""Self-attention within windows of a pixel grid, every other time shifted (Liu et al. 2021, "Swin Transformer", section 3.2).

A grid is channels-last, (B, H, W, C), with sides that the window divides; its windows are (windows, n, C), n the pixels of
one window, row by row. Everything that is done pixel by pixel is done in either order, so pixels are moved twice in a block.
"""

import functools
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from splatsr.encoders.rotary_positions import add_rotary_positions, angles_of, rotate

_MASKED = -100.0
"""What the published networks add to the logits of pixels that must not attend to each other."""


class WindowOrder(NamedTuple):
    """The pixels of a batch of grids, counted row by row, sorted by windows."""

    pixels: Int64[Tensor, " pixels"]
    """The pixel at every position of the sorted order, window after window."""
    positions: Int64[Tensor, " pixels"]
    """The position of every pixel in that order: the inverse."""
    counts: tuple[int, ...]
    """Windows of each kind, one kind after the other: inner ones, last column, last row, corner. Unshifted: all alike."""


@functools.lru_cache(maxsize=4)  # the blocks of an encoder share two: shifted and not
def window_order(batch: int, height: int, width: int, window: int, shift: int, device: torch.device) -> WindowOrder:
    """Windows lie `shift` pixels off the grid's corner, cyclically: the last row and column hold both ends of the image."""
    with torch.inference_mode(False):  # what is kept here must serve training too
        pixels = torch.arange(batch * height * width, device=device).view(batch, height, width)
        # Rolled, so that windows begin at the corner, and cut: (batch, window's row, its column, row in it, column in it).
        squares = pixels.roll((-shift, -shift), (1, 2)).unflatten(2, (-1, window)).unflatten(1, (-1, window)).transpose(2, 3)
        # Windows that the roll has put together from both ends of the image are in the last row or column: they go last.
        parts = (slice(None, -1), slice(-1, None)) if shift else (slice(None),)
        kinds = [squares[:, down, along].flatten() for down in parts for along in parts]
        order = torch.cat(kinds)
        return WindowOrder(order, torch.argsort(order), tuple(len(kind) // window**2 for kind in kinds))


class Moved(torch.autograd.Function):
    """rows[order] for an order that is a permutation: gradients are moved back, where indexing would add them up."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.order, ctx.inverse = order, inverse
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return Moved.apply(upstream, ctx.inverse, ctx.order), None, None


def to_windows(grid: Float[Tensor, "b h w c"], order: WindowOrder, window: int) -> Float[Tensor, "windows {window}*{window} c"]:
    """The grid's pixels in the order of the windows."""
    return Moved.apply(grid.flatten(0, 2), order.pixels, order.positions).unflatten(0, (-1, window**2))


def from_windows(
    windows: Float[Tensor, "windows n c"], order: WindowOrder, shape: torch.Size
) -> Float[Tensor, "{shape[0]} {shape[1]} {shape[2]} c"]:
    """The inverse of `to_windows`, for a grid of that shape."""
    return Moved.apply(windows.flatten(0, 1), order.positions, order.pixels).unflatten(0, shape[:3])


def filler(width: int) -> int:
    """Zero channels after a head of `width`: up to a multiple of 8, as fused attention wants; none for the plain one.

    The published heads have 30 channels. Fused kernels on GPUs want multiples of 8, those on CPUs run faster on them; the zeros
    change no product, and come free when a layer's weights are padded instead of its output.
    """
    plain = not torch.compiler.is_compiling() and not torch.backends.cuda.flash_sdp_enabled()  # where multiply-adds are counted
    return 0 if plain else -width % 8


def project_in(layer: nn.Linear, x: Float[Tensor, "*n c"], parts: int) -> Float[Tensor, "*n wide"]:
    """layer(x), each of its `parts` equal parts of the output followed by zeros (see `filler`)."""
    width = layer.out_features // parts
    weight = nn.functional.pad(layer.weight.unflatten(0, (parts, width)), (0, 0, 0, filler(width))).flatten(0, 1)
    bias = nn.functional.pad(layer.bias.unflatten(0, (parts, width)), (0, filler(width))).flatten()
    return nn.functional.linear(x, weight, bias)


def project_out(layer: nn.Linear, x: Float[Tensor, "*n wide"], parts: int) -> Float[Tensor, "*n c"]:
    """layer(x without the zeros that `project_in` put after each of the parts)."""
    width = layer.in_features // parts
    weight = nn.functional.pad(layer.weight.unflatten(1, (parts, width)), (0, filler(width))).flatten(1)
    return nn.functional.linear(x, weight, layer.bias)


def split_heads(tokens: Float[Tensor, "windows n c"], heads: int) -> Float[Tensor, "windows {heads} n d"]:
    """Head k holds channels k * d .. (k + 1) * d - 1."""
    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(tokens: Float[Tensor, "windows heads n d"]) -> Float[Tensor, "windows n heads*d"]:
    """The inverse of `split_heads`."""
    return tokens.transpose(1, 2).flatten(2)


def attend(
    q: Float[Tensor, "windows heads n d"],
    k: Float[Tensor, "windows heads m d"],
    v: Float[Tensor, "windows heads m d"],
    bias: Float[Tensor, "heads n m"] | Float[Tensor, "1 n m"] | None,
    scale: float,
) -> Float[Tensor, "windows heads n d"]:
    """softmax(scale q k^T + bias) v, in every window and head."""
    mask = None if bias is None else bias[None].to(q.dtype)
    return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)


def relative_bias(
    table: Float[Tensor, "offsets heads"], *, own: int, other: int
) -> Float[Tensor, "heads {own}*{own} {other}*{other}"]:
    """Spreads a table over pairs of pixels: (y, x) of a square with side `own`, (v, u) of one with side `other`.

    The table has one row for every offset (v - y, u - x), each from 1 - own to other - 1, v - y slowest.
    """
    side = own + other - 1
    # The table as a square: entry [v - y + own - 1, u - x + own - 1, head].
    square = table.unflatten(0, (side, side))
    # All other x other windows of it: entry [s, t, head, v, u] is square[s + v, t + u, head].
    windows = square.unfold(0, other, 1).unfold(1, other, 1)
    # Pixel (y, x) needs s = own - 1 - y and t = own - 1 - x: both axes are flipped, and read as y and x.
    by_pixel = windows.flip(0, 1)
    # (y, x, head, v, u) -> (head, y * x, v * u).
    return by_pixel.permute(2, 0, 1, 3, 4).flatten(3).flatten(1, 2)


def shift_mask(window: int, shift: int) -> Float[Tensor, "2 2 {window}*{window} {window}*{window}"]:
    """Added to the logits of windows of a grid that was rolled up and left by `shift` pixels.

    Only the last row and the last column of windows hold pixels from opposite sides of the image; these do not attend to each
    other. Entry [bottom, right] is for windows in the last row (bottom = 1 or not: 0) and in the last column (right).
    """
    wrapped = torch.arange(window) >= window - shift
    row, column = wrapped.repeat_interleave(window), wrapped.repeat(window)
    rows, columns = row[:, None] != row, column[:, None] != column
    masked = torch.stack([torch.zeros_like(rows), columns, rows, rows | columns])
    return torch.where(masked, _MASKED, 0.0).unflatten(0, (2, 2))


class ShiftedWindows(nn.Module):
    """Multi-head self-attention in windows; what queries and keys know of their positions is the subclass's.

    Args:
        channels: of the grid, a multiple of `heads`.
        heads: attention heads.
        window: pixels along a window's side.
        shift: pixels by which the windows lie off the grid's corner, cyclically; 0: not at all. Pixels from opposite sides
            of the image that then share a window do not attend to each other.
    """

    def __init__(self, *, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels ({channels}) must be a multiple of heads ({heads}).")
        self.heads, self.window, self.shift, self.scale = heads, window, shift, (channels // heads) ** -0.5
        self.add_positions(channels // heads)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.shift_mask: Tensor
        if shift:
            self.register_buffer("shift_mask", shift_mask(window, shift), persistent=False)

    def forward(self, grid: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        order = window_order(*grid.shape[:3], self.window, self.shift, grid.device)
        qkv = project_in(self.qkv, to_windows(grid, order, self.window), 3 * self.heads)
        q, k, v = (split_heads(part, self.heads) for part in qkv.chunk(3, dim=-1))
        q, k = self.placed(q, k)
        bias = self.bias()
        if self.shift:  # one small bias per kind of window serves images of every size
            masks = self.shift_mask.flatten(0, 1)[:, None]
            biases = masks if bias is None else bias + masks
            pieces = zip(q.split(order.counts), k.split(order.counts), v.split(order.counts), biases, strict=True)
            attended = torch.cat([join_heads(attend(*piece, self.scale)) for piece in pieces if len(piece[0])])
        else:
            attended = join_heads(attend(q, k, v, bias, self.scale))
        return from_windows(project_out(self.proj, attended, self.heads), order, grid.shape)

    def add_positions(self, width: int) -> None:
        """Makes the weights of positions; `width` is a head's."""
        raise NotImplementedError

    def bias(self) -> Float[Tensor, "heads n n"] | None:
        """Added to the logits of every window; None: nothing."""
        return None

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys (windows, heads, n, d), as they are compared."""
        return q, k


class WindowAttention(ShiftedWindows):
    """With a learned bias for every relative position."""

    def add_positions(self, width: int) -> None:
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * self.window - 1) ** 2, self.heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def bias(self) -> Float[Tensor, "heads n n"]:
        """Of every pair of pixels."""
        # the published table is for query minus key, the other way round
        return relative_bias(self.relative_position_bias_table.flip(0), own=self.window, other=self.window)


class RotaryWindowAttention(ShiftedWindows):
    """With rotary positions, see `rotary_positions`."""

    def add_positions(self, width: int) -> None:
        add_rotary_positions(self, heads=self.heads, width=width, side=self.window)

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Both turned by where they are in their window."""
        angles = angles_of(self)
        return rotate(q, angles), rotate(k, angles)
