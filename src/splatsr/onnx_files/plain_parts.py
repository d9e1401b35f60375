"""Parts of ContinuousSR in operations that ONNX has and for sizes that a graph does not know: equal to those that they replace.

What the parts themselves do for speed or memory (chunks, orders of windows that are kept, autograd functions, branches on
sizes) a graph cannot say, and a runtime does by itself.
"""

import copy
from typing import cast

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from splatsr.encoders.encoder import Encoder
from splatsr.encoders.hat import OverlapAttention
from splatsr.encoders.window_attention import WindowAttention, join_heads, split_heads
from splatsr.encoders.window_transformer import ResidualGroup, WindowTransformer
from splatsr.heads.ddcw import DDCW
from splatsr.heads.free import FreePositions
from splatsr.heads.mlp import by_position, of_chosen
from splatsr.heads.positions_head import PositionsHead
from splatsr.heads.shapes_head import ShapesHead
from splatsr.models.continuoussr import ContinuousSR


def plain(model: ContinuousSR) -> ContinuousSR:
    """A copy of the model of plain parts, in eval mode on the CPU."""
    copied = copy.deepcopy(model).to("cpu").eval()
    copied.precision = torch.float32
    _replaced(copied)
    return copied


def _replaced(module: nn.Module) -> nn.Module:
    """The module with plain parts in it, from the innermost outwards."""
    for name, child in module.named_children():
        setattr(module, name, _replaced(child))
    if isinstance(module, ResidualGroup):
        module.checkpointing = False
    twin = next((twin for kind, twin in _TWINS.items() if isinstance(module, kind)), None)
    return module if twin is None else twin(module)


class PlainDDCW(ShapesHead):
    """`DDCW` with keys that are computed already, and all weights at once: kernels x rows of the dictionary."""

    def __init__(self, head: DDCW) -> None:
        super().__init__()
        self.query, self.dictionary = head.query, head.dictionary
        with torch.no_grad():
            self.keys = head.embedding(head.dictionary).T.contiguous()

    def forward(
        self, features: Float[Tensor, "b c h w"], chosen: Bool[Tensor, "b h*w"] | None = None
    ) -> Float[Tensor, "b h*w l11_l21_l22=3"]:
        queries = self.query(features).flatten(2).transpose(1, 2)
        return self._mixed(queries) if chosen is None else of_chosen(self._mixed, queries, chosen)

    def _mixed(self, queries: Float[Tensor, "b n e"]) -> Float[Tensor, "b n 3"]:
        return torch.softmax(queries @ self.keys, -1) @ self.dictionary


class PlainFreePositions(PositionsHead):
    """`FreePositions`, with the image's size as numbers of the graph."""

    def __init__(self, head: FreePositions) -> None:
        super().__init__()
        self.mlp = head.mlp

    def forward(
        self, features: Float[Tensor, "b n c"], lr_size: tuple[int, int], chosen: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b n xy=2"]:
        width, height = (torch.arange(side)[-1] + 1 for side in reversed(lr_size))
        position = torch.tanh(by_position(self.mlp, features, chosen))
        return (1 + position) * (torch.stack([width, height]) / 2)


class PlainWindowTransformer(Encoder):
    """`WindowTransformer`: the image is mirrored up to whole windows by its rows' and columns' numbers."""

    def __init__(self, encoder: WindowTransformer) -> None:
        super().__init__()
        self.body, self.upscale, self.out_channels, self.tiling = encoder, encoder.upscale, encoder.out_channels, encoder.tiling

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        multiple, body = self.body.size_multiple, self.body
        whole = lr.index_select(-2, _mirrored(lr, -2, multiple)).index_select(-1, _mirrored(lr, -1, multiple))
        shallow = body.conv_first(whole)
        grid = body.patch_embed["norm"](shallow.permute(0, 2, 3, 1))
        for group in body.layers:
            grid = group(grid)
        features = shallow + body.conv_after_body(body.norm(grid).permute(0, 3, 1, 2))
        features = body.upsample(body.conv_before_upsample(features))
        return features[..., : self.upscale * lr.shape[-2], : self.upscale * lr.shape[-1]]


def _mirrored(image: Float[Tensor, "b c h w"], axis: int, multiple: int) -> Int64[Tensor, " length"]:
    """As `encoders.reflect`, without a question about the size."""
    last = torch.arange(image.shape[axis])[-1]
    length = (last + multiple) // multiple * multiple
    period = (2 * last).clamp(min=1)
    return last - (last - counted(length) % period).abs()


def counted(*bounds: Tensor) -> Int64[Tensor, " count"]:
    """`torch.arange` of numbers that the graph computes."""
    return torch.arange(*cast(tuple[int, int], bounds))


class PlainWindowAttention(nn.Module):
    """`WindowAttention` by rolling the grid; windows that hold both ends of the image are told by their row and column."""

    def __init__(self, attention: WindowAttention) -> None:
        super().__init__()
        self.part, self.window, self.shift = attention, attention.window, attention.shift
        self.pairs = _pairs(self.window, self.window, len(attention.relative_position_bias_table) - 1)

    def forward(self, grid: Float[Tensor, "1 h w c"]) -> Float[Tensor, "1 h w c"]:
        side, part = self.window, self.part
        rolled = torch.roll(grid, (-self.shift, -self.shift), (1, 2)) if self.shift else grid
        rows, columns = rolled.shape[1] // side, rolled.shape[2] // side
        q, k, v = (split_heads(one, part.heads) for one in part.qkv(_windows(rolled, side)).chunk(3, dim=-1))
        bias = _biases(part.relative_position_bias_table, self.pairs)
        if self.shift:
            bottom = (torch.arange(rows) == rows - 1).long()
            right = (torch.arange(columns) == columns - 1).long()
            kinds = (2 * bottom[:, None] + right[None]).flatten()
            bias = bias + part.shift_mask.flatten(0, 1).index_select(0, kinds)[:, None]
        attended = part.proj(join_heads(_attend(q, k, v, bias, part.scale)))
        joined = attended.reshape(1, rows, columns, side, side, -1).permute(0, 1, 3, 2, 4, 5).reshape(grid.shape)
        return torch.roll(joined, (self.shift, self.shift), (1, 2)) if self.shift else joined


class PlainOverlapAttention(nn.Module):
    """`OverlapAttention`: the squares around windows by the numbers of their rows and columns."""

    def __init__(self, attention: OverlapAttention) -> None:
        super().__init__()
        self.part, self.window, self.wide = attention, attention.window, attention.overlap_window
        self.pairs = _overlapping_pairs(attention)

    def forward(self, x: Float[Tensor, "1 h w c"]) -> Float[Tensor, "1 h w c"]:
        part, side = self.part, self.window
        rows, columns = x.shape[1] // side, x.shape[2] // side
        q, k, v = part.qkv(part.norm1(x)).chunk(3, dim=-1)
        queries = split_heads(_windows(q, side), part.heads)
        keys, values = (split_heads(self._surroundings(one, rows, columns), part.heads) for one in (k, v))
        bias = _biases(part.relative_position_bias_table, self.pairs)
        attended = part.proj(join_heads(_attend(queries, keys, values, bias, part.scale)))
        x = x + attended.reshape(1, rows, columns, side, side, -1).permute(0, 1, 3, 2, 4, 5).reshape(x.shape)
        return x + part.mlp(part.norm2(x))

    def _surroundings(self, grid: Float[Tensor, "1 h w c"], rows: int, columns: int) -> Float[Tensor, "windows m c"]:
        around = nn.functional.pad(grid, (0, 0, *[self.part.margin] * 4))
        down, across = (
            (self.window * torch.arange(count)[:, None] + torch.arange(self.wide)).flatten() for count in (rows, columns)
        )
        squares = around.index_select(1, down).index_select(2, across)
        squares = squares.reshape(1, rows, self.wide, columns, self.wide, -1).permute(0, 1, 3, 2, 4, 5)
        return squares.reshape(rows * columns, self.wide**2, -1)


_TWINS = {
    DDCW: PlainDDCW,
    FreePositions: PlainFreePositions,
    WindowTransformer: PlainWindowTransformer,
    WindowAttention: PlainWindowAttention,
    OverlapAttention: PlainOverlapAttention,
}
"""What takes the place of what."""


def _windows(grid: Float[Tensor, "1 h w c"], side: int) -> Float[Tensor, "windows n c"]:
    rows, columns = grid.shape[1] // side, grid.shape[2] // side
    squares = grid.reshape(1, rows, side, columns, side, -1).permute(0, 1, 3, 2, 4, 5)
    return squares.reshape(rows * columns, side**2, -1)


def _attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, scale: float) -> Float[Tensor, "windows heads n d"]:
    return torch.softmax((q * scale) @ k.transpose(-1, -2) + bias, -1) @ v


def _biases(table: Float[Tensor, "offsets heads"], pairs: Int64[Tensor, "n m"]) -> Float[Tensor, "1 heads n m"]:
    return table.index_select(0, pairs.flatten()).reshape(*pairs.shape, -1).permute(2, 0, 1)[None]


def _pairs(own: int, other: int, last: int) -> Int64[Tensor, "{own}*{own} {other}*{other}"]:
    """The row of a published table for every pair of pixels: query minus key, that is, `relative_bias` counted from the end."""
    return last - _offsets(own, other)


def _overlapping_pairs(attention: OverlapAttention) -> Int64[Tensor, "n m"]:
    """Likewise, of a table that starts at another offset (`OverlapAttention.roll`)."""
    return (_offsets(attention.window, attention.overlap_window) - attention.roll) % len(attention.relative_position_bias_table)


def _offsets(own: int, other: int) -> Int64[Tensor, "{own}*{own} {other}*{other}"]:
    """The row, in `relative_bias`, of pixel (y, x) of a square with side `own` and (v, u) of one with side `other`."""
    y, v = torch.arange(own), torch.arange(other)
    step = v[None] - y[:, None] + own - 1
    rows, side = step, own + other - 1
    return (side * rows[:, None, :, None] + step[None, :, None, :]).reshape(own**2, other**2)
