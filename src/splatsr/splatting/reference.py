"""Sum-splatting in a dozen lines of torch: the definition that every faster renderer is tested against.

A kernel with centre c and Cholesky factor L (Sigma = L L^T) adds  color * exp(-q(p))  to the pixel whose centre is p,

    q(p) = (p - c)^T Sigma^-1 (p - c) / 2 = (u^2 + t^2) / 2,   u = dx / l11,   t = (dy - l21 u) / l22,

when q(p) <= ln 255, that is when exp(-q) >= 1/255, and nothing otherwise. (u, t) solves L (u, t)^T = p - c; unlike the
inverse of Sigma it has no cancellation. Nothing is normalised, there is no background, opacity is 1.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CUT = math.log(255.0)
"""Largest q that still contributes (alpha = 1/255)."""

NEGLIGIBLE = 27 * math.log(2.0)
"""q from which float32 does not see a kernel that has no cut: exp(-q) is then below 2^-27 of the peak."""

VANISHING = 1e-6
"""A kernel with |l11| or |l22| below this many output pixels is empty: it adds nothing and gets no gradient."""

HUGE = 1e15
"""A kernel with an entry of L beyond this many output pixels, or with a NaN, is empty too (float32 would overflow)."""

TILE = 16
"""Side of the published renderer's tiles, in output pixels."""

TILE_KERNELS = 256
"""Kernels per tile after which the published renderer stops."""


def kernel_weights(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    size: tuple[int, int],
    reach: tuple[float, float] | None = None,
) -> Float[Tensor, "b n {size[0]} {size[1]}"]:
    """exp(-q) of every kernel at every pixel, 0 beyond the cut and for vanishing kernels. Units as in `splat`.

    With a `reach` (vertical, horizontal) the kernel ends there, see `splat_windowed`, and not at the cut.
    """
    height, width = size
    l11, l21, l22 = (entry[..., None, None] for entry in cholesky.unbind(-1))
    lengths = cholesky.abs()[..., None, None]
    x_mean, y_mean = (entry[..., None, None] for entry in means.unbind(-1))
    empty = (lengths[:, :, ::2].amin(2) < VANISHING) | ~(lengths.amax(2) <= HUGE)
    empty = empty | ~(x_mean.isfinite() & y_mean.isfinite())
    l11, l21, l22, x_mean, y_mean = (entry.masked_fill(empty, 1.0) for entry in (l11, l21, l22, x_mean, y_mean))
    x = torch.arange(width, dtype=means.dtype, device=means.device) + 0.5
    y = torch.arange(height, dtype=means.dtype, device=means.device)[:, None] + 0.5
    u = (x - x_mean) / l11
    t = (y - y_mean - l21 * u) / l22
    q = (u.square() + t.square()) / 2
    if reach is None:
        outside = empty | ~(q <= CUT)
    else:
        outside = empty | ~(((y - y_mean).abs() <= reach[0]) & ((x - x_mean).abs() <= reach[1]))
    return torch.exp(-q.masked_fill(outside, 0.0)).masked_fill(outside, 0.0)


def splat_exact(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Every kernel, cut at 1/255. Memory is B * N * H * W: for tests and small fields."""
    return torch.einsum("bnhw,bnc->bchw", kernel_weights(means, cholesky, size), colors)


def splat_windowed_exact(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    reach: tuple[float, float],
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Every kernel, however small its value, in its window: where |y - y_mean| <= reach[0] and |x - x_mean| <= reach[1]."""
    return torch.einsum("bnhw,bnc->bchw", kernel_weights(means, cholesky, size, reach), colors)


def splat_tiles(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    limit: int | None,
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """As the published CUDA kernel: a kernel contributes only to the 16x16 tiles that its box of published radius touches.

    That box ends at 3 sigma, so tails between 3 and 3.33 sigma (alpha 0.011 to 0.004) are missing where a tile border falls
    there. With `limit` a tile sums only the first so many of its kernels (the published renderer: 256). The gradient is the
    true one of that sum (the published backward also doubles the off-diagonal covariance term). Tile by tile: slow, but in
    little memory.
    """
    height, width = size
    rows, columns = _touched_tiles(means, cholesky, size)
    strips = []
    for row, top in enumerate(range(0, height, TILE)):
        tiles = []
        for column, left in enumerate(range(0, width, TILE)):
            # Which kernels (B, N) touch this tile; with a limit, only the first so many of them, in the kernels' order.
            kept = rows[..., row] & columns[..., column]
            if limit is not None:
                kept = kept & (kept.cumsum(1) <= limit)
            # Only kernels that touch the tile in some image of the batch are evaluated; images have the others masked.
            near = kept.any(0).nonzero()[:, 0]
            # The tile as an image of its own: its first pixel's corner becomes (0, 0); tiles at the border are smaller.
            extent = min(TILE, height - top), min(TILE, width - left)
            shifted = means[:, near] - means.new_tensor([left, top])
            weights = kernel_weights(shifted, cholesky[:, near], extent) * kept[:, near, None, None]
            tiles.append(torch.einsum("bnhw,bnc->bchw", weights, colors[:, near]))
        strips.append(torch.cat(tiles, 3))
    return torch.cat(strips, 2)


def published_radius(cholesky: Float[Tensor, "b n l11_l21_l22=3"]) -> Int[Tensor, "b n"]:
    """ceil(3 sqrt(v)), v the larger eigenvalue of Sigma with the published floor: radius >= 2, or 0 if singular."""
    l11, l21, l22 = cholesky.detach().unbind(-1)
    mid = (l11.square() + l21.square() + l22.square()) / 2
    det = (l11 * l22).square()
    largest = mid + (mid.square() - det).clamp_min(0.1).sqrt()
    empty = (l11.abs() < VANISHING) | (l22.abs() < VANISHING)
    return (3 * largest.sqrt()).ceil().long().masked_fill(empty, 0)


def _touched_tiles(
    means: Float[Tensor, "b n xy=2"], cholesky: Float[Tensor, "b n l11_l21_l22=3"], size: tuple[int, int]
) -> tuple[Bool[Tensor, "b n rows"], Bool[Tensor, "b n columns"]]:
    """Rows and columns of tiles that the square box of published radius touches: the tiles are where both are true.

    The published pixel centres are integers, hence -0.5.
    """
    centre, radius = means.detach() - 0.5, published_radius(cholesky)

    def span(axis: int, length: int) -> Bool[Tensor, "b n tiles"]:
        tiles = torch.arange(-(-length // TILE), device=means.device)
        first = ((centre[..., axis] - radius) / TILE).trunc()[..., None]
        end = ((centre[..., axis] + radius) / TILE + 1).trunc()[..., None]
        return (tiles >= first) & (tiles < end) & (radius > 0)[..., None]

    return span(1, size[0]), span(0, size[1])
