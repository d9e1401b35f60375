"""Attention of a point to the LR pixels around it, head by head, as the Local Implicit Transformer has it (Chen et al., CVPR
2023, section 3.1): what is attended to is not summed up, but handed to a perceptron as it stands."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, grid_sample, pad

from splatsr.decoders.bands import Bands
from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.feature_rows import FeatureSource
from splatsr.geometry import nearest_pixel, offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.tiling import Span

TOGETHER = 2**24
"""Numbers that queries, keys and values of some rows are at a time, where points allow it."""

_FREQUENCIES, _OCTAVES = 16, 10


class PositionBias(nn.Module):
    """A number for each head, to be added to the attention, from the way from a pixel to the point.

    A linear map of sin(f v), sin(f u), cos(f v), cos(f u), with v and u the vertical and horizontal way in half pixels, and
    f = 2^k - 1 for 16 values k from 0 to 10.

    Args:
        heads: of the attention.
    """

    def __init__(self, *, heads: int) -> None:
        super().__init__()
        self.proj = nn.Linear(4 * _FREQUENCIES, heads)

    def forward(
        self, vertical: Float[Tensor, "*n side"], horizontal: Float[Tensor, "*n side"]
    ) -> Float[Tensor, "*n side side heads"]:
        """For every pair of a vertical and a horizontal way, the vertical one first: the map of each is made once."""
        frequencies = (2 ** torch.linspace(0, _OCTAVES, _FREQUENCIES, device=vertical.device) - 1).to(vertical)
        weights = self.proj.weight.unflatten(1, (2, 2, _FREQUENCIES))  # sine and cosine, vertical and horizontal
        of_axis = []
        for axis, way in enumerate((vertical, horizontal)):
            angles = way[..., None] * frequencies
            of_axis.append(angles.sin() @ weights[:, 0, axis].T + angles.cos() @ weights[:, 1, axis].T)
        return of_axis[0][..., :, None, :] + of_axis[1][..., None, :, :] + self.proj.bias


class Rows(NamedTuple):
    """Rows of a stage's maps with `radius` zeros beyond the map's border on every side."""

    queries: Float[Tensor, "b c rows wider"]
    keys: FeatureGrid
    values: FeatureGrid


class LocalAttention(nn.Module):
    """Features and points to RGB; weights have the published shapes.

    Args:
        channels: of the features; a multiple of `heads`.
        heads: among which they are divided.
        radius: pixels around the nearest one, each way.
        hidden: hidden widths of the perceptron.
    """

    def __init__(self, *, channels: int, heads: int, radius: int, hidden: Sequence[int]) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be divided among {heads} heads.")
        self.heads, self.radius, self.channels = heads, radius, channels
        self.conv_q = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_k = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_v = nn.Conv2d(channels, channels, 3, padding=1)
        self.imnet = mlp([channels * (2 * radius + 1) ** 2 + 2, *hidden, 3])

    def maps(self, features: FeatureSource) -> Bands[Rows]:
        """Queries, keys and values of a map, made some rows at a time as points need them."""
        (height, width), batch = features.size, features.batch
        numbers = 3 * self.channels * (width + 2 * self.radius) * batch
        every = -self.radius, height + self.radius
        return Bands(partial(self._rows, features), rows=every, count=max(TOGETHER // numbers, 4 * self.radius + 2))

    def _rows(self, features: FeatureSource, rows: Span) -> Rows:
        """Rows may lie beyond the map's border, where there are zeros."""
        within = max(rows[0], 0), min(rows[1], features.size[0])
        around = features.rows((within[0] - 1, within[1] + 1))
        margin = (self.radius, self.radius, within[0] - rows[0], rows[1] - within[1])
        queries, keys, values = (
            pad(conv2d(around, layer.weight, layer.bias, padding=(0, 1)), margin)
            for layer in (self.conv_q, self.conv_k, self.conv_v)
        )
        return Rows(queries, FeatureGrid.of(keys), FeatureGrid.of(values))

    def forward(
        self,
        maps: Bands[Rows],
        size: tuple[int, int],
        bias: PositionBias,
        coordinates: Float[Tensor, "b q yx=2"],
        cell: Float[Tensor, "b yx=2"],
    ) -> Float[Tensor, "b q rgb=3"]:
        """What the perceptron makes of points of [-1, 1]^2; `size` is that of the map."""
        nearest = nearest_pixel(coordinates, size)
        rows = nearest[..., 0]
        top, found = maps.with_rows(int(rows.min()) - self.radius, int(rows.max()) + self.radius)
        # The pixels around the nearest one, row by row, in the rows that are there.
        steps = torch.arange(-self.radius, self.radius + 1, device=nearest.device)
        around = nearest[:, :, None] + torch.cartesian_prod(steps, steps)
        pixels = around - nearest.new_tensor([top, -self.radius])
        way = offset_from(nearest, coordinates, size)[..., None, :] - 2 * steps[:, None]
        # Attention: likeness of the point's query and the pixels' keys, and the bias of their positions; zeros have one too.
        queries = self._queries(found.queries, coordinates, size, top).unflatten(-1, (self.heads, 1, -1))
        keys, values = (grid.at(pixels).unflatten(-1, (self.heads, -1)) for grid in (found.keys, found.values))
        likeness = (queries @ keys.permute(0, 1, 3, 4, 2))[..., 0, :].transpose(-2, -1) / math.sqrt(keys.shape[-1])
        attention = (likeness + bias(way[..., 0], way[..., 1]).flatten(2, 3)).softmax(2)
        cells = (cell * cell.new_tensor(size))[:, None].expand_as(coordinates)
        return self.imnet(torch.cat([(attention[..., None] * values).flatten(2), cells], -1))

    def _queries(
        self, queries: Float[Tensor, "b c rows wider"], coordinates: Tensor, size: tuple[int, int], top: int
    ) -> Float[Tensor, "b q c"]:
        """Bilinear between pixels' centres, fading to zero beyond the map's border."""
        sides = coordinates.new_tensor(queries.shape[-2:])
        pixels = (coordinates + 1) / 2 * coordinates.new_tensor(size) - coordinates.new_tensor([top, -self.radius])
        points = (2 * pixels / sides - 1).flip(-1)[:, None]  # grid_sample wants (x, y)
        return grid_sample(queries, points, align_corners=False)[:, :, 0].transpose(1, 2)
