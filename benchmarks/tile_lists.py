"""The GPU yardstick: what one would build first on gsplat's `isect_tiles`. Every tile gets the sorted list of its kernels, one
Triton program sums it up. Forward only; float32; units as in `splatsr.splatting.splat`.

Making the lists takes one host synchronisation (their length is data) and memory for every pair of kernel and tile.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from splatsr.splatting.reference import CUT

TILE = 16
TWICE_CUT = tl.constexpr(2 * CUT)


@triton.jit(do_not_specialize=["pairs", "kernels", "height", "width"])
def sum_lists(image, means, conics, colors, starts, members, pairs, height, width, TILE: tl.constexpr):  # noqa: N803
    """One tile of three channels: the kernels members[starts[tile]:starts[tile + 1]]. Grid: (tiles, images)."""
    tiles_x, tile = (width + TILE - 1) // TILE, tl.program_id(0)
    index = tl.program_id(1) * tl.num_programs(0) + tile
    first = tl.load(starts + index)
    last = index + 1 == tl.num_programs(0) * tl.num_programs(1)
    end = tl.load(starts + index + 1, mask=index + 1 < tl.num_programs(0) * tl.num_programs(1), other=0)
    end = tl.where(last, pairs, end)
    pixel = tl.arange(0, TILE * TILE)
    row, column = (tile // tiles_x) * TILE + pixel // TILE, (tile % tiles_x) * TILE + pixel % TILE
    x, y = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
    red = tl.zeros((TILE * TILE,), tl.float32)
    green, blue = red, red
    for position in range(first, end):
        kernel = tl.load(members + position).to(tl.int64)
        dx, dy = x - tl.load(means + 2 * kernel), y - tl.load(means + 2 * kernel + 1)
        conic = conics + 3 * kernel
        twice_q = tl.load(conic) * dx * dx + 2.0 * tl.load(conic + 1) * dx * dy + tl.load(conic + 2) * dy * dy
        weight = tl.where(twice_q <= TWICE_CUT, tl.exp(-0.5 * twice_q), 0.0)
        red += weight * tl.load(colors + 3 * kernel)
        green += weight * tl.load(colors + 3 * kernel + 1)
        blue += weight * tl.load(colors + 3 * kernel + 2)
    plane = height.to(tl.int64) * width
    target = image + 3 * tl.program_id(1) * plane + row * width + column
    inside = (row < height) & (column < width)
    tl.store(target, red, mask=inside)
    tl.store(target + plane, green, mask=inside)
    tl.store(target + 2 * plane, blue, mask=inside)


def splat_lists(
    means: Tensor,
    cholesky: Tensor,
    colors: Tensor,
    size: tuple[int, int],
    isect_tiles: Callable[..., Any],
    encode: Callable[..., Any],
) -> Tensor:
    """The image of a field without empty kernels; the last arguments are gsplat's `isect_tiles` and `isect_offset_encode`."""
    (height, width), batch = size, len(means)
    tiles_y, tiles_x = -(-height // TILE), -(-width // TILE)
    conics, radii = conics_and_radii(cholesky)
    _, pairs, members = isect_tiles(means, radii, means.new_zeros(means.shape[:2]), TILE, tiles_x, tiles_y)
    starts = encode(pairs, batch, tiles_x, tiles_y)
    image = means.new_empty(batch, 3, height, width)
    sum_lists[(tiles_x * tiles_y, batch)](
        image, means, conics, colors, starts, members, len(members), height, width, TILE=TILE, num_warps=4
    )
    return image


def conics_and_radii(cholesky: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse covariances (B, N, 3) of kernels, and the half sides (B, N, 2) of their boxes in whole pixels, as gsplat
    wants them."""
    l11, l21, l22 = cholesky.unbind(-1)
    conics = torch.stack([1 / l11**2 + (l21 / (l11 * l22)) ** 2, -l21 / (l11 * l22**2), 1 / l22**2], -1)
    radii = math.sqrt(2 * CUT) * torch.stack([l11.abs(), (l21**2 + l22**2).sqrt()], -1)
    return conics, radii.ceil().to(torch.int32)
