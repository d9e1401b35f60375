"""The GPU renderer: float32, one Triton program per tile, deterministic, no host synchronisation, forward and backward.

Every field takes the same way, whatever the order or the drift of its kernels: one sort of fixed length puts them along a
Z-shaped curve, and an implicit tree of boxes (16, 256, 4096 neighbours along that curve) tells each tile what touches it. No
list of pairs is made, so nothing depends on the data but the loops' lengths. The backward pass has programs for kernels, which
read the upstream gradient of their own boxes: no atomics. kernels.py has the arithmetic, this file launches it.
"""

from functools import partial
from typing import Any

import torch
import triton
from jaxtyping import Float
from torch import Tensor

from splatsr.splatting.kernels import FANOUT, RECORD, gather_gradients, render_tile, shape_kernels

TILE = 8
"""Side of a tile, in output pixels: two pixels for each thread of a warp."""

LANES = 64
"""Pixels that a program of the backward pass takes at a time; a ContinuousSR kernel at x4 has about as many in its box."""

BLOCK = 1024
"""Kernels that one program measures."""

BLOCK_WARPS = 8
"""Warps that share them."""

WARPS = 1
"""Warps of a tile, and of a kernel's gradient: a warp alone never waits for others, and its sums need no shared memory."""

ROOT = 4096
"""Kernels below one of the tree's upper boxes; the number of slots is a multiple of it."""

SHARE = 1024
"""Pixels of its box that a program of the backward pass should be left with, on average."""

OVERLAP = 16
"""Boxes that cover a pixel of a ContinuousSR field, about: with it the average box follows from the sizes alone."""


def splat_gpu(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    reach: tuple[float, float] | None = None,
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Same sum as `reference.splat_exact`, or with a `reach` as `reference.splat_windowed_exact`, computed in float32 on the
    GPU; differentiable once.

    Half precision is taken too, and widened: under autocast the image is float32. Works under torch.compile and in CUDA
    graphs. (With TRITON_INTERPRET=1 before the import it runs on CPU tensors, slowly: for tests.)
    """
    reach_y, reach_x = (0.0, 0.0) if reach is None else (float(reach[0]), float(reach[1]))
    return _splat(means.float(), cholesky.float(), colors.float(), *size, reach is not None, reach_y, reach_x)


@torch.library.custom_op("splatsr::splat", mutates_args=())
def _splat(
    means: Tensor,
    cholesky: Tensor,
    colors: Tensor,
    height: int,
    width: int,
    windowed: bool = False,
    reach_y: float = 0.0,
    reach_x: float = 0.0,
) -> Tensor:
    batch, kernels, channels = colors.shape
    if 0 in colors.shape:
        return colors.new_zeros(batch, channels, height, width)
    image = colors.new_empty(batch, channels, height, width)
    means, cholesky = means.contiguous(), cholesky.contiguous()
    slots = -(-kernels // ROOT) * ROOT
    records = colors.new_empty(batch, slots, RECORD)
    boxes = colors.new_empty(4, batch, slots)
    keys = torch.empty(batch, slots, dtype=torch.int32, device=colors.device)
    with torch.cuda.device_of(colors):
        shape_kernels[(slots // BLOCK, batch)](
            means, cholesky, records, boxes, keys, kernels, slots, height, width, reach_y, reach_x,
            BLOCK=BLOCK, WINDOWED=windowed, num_warps=BLOCK_WARPS,
        )  # fmt: skip
        order = keys.sort(dim=1, stable=True).indices
        levels = [boxes.gather(2, order.expand(4, -1, -1))]
        for _ in range(3):
            levels.append(levels[-1].unflatten(2, (-1, FANOUT)).amin(3))
        records = records.gather(1, order[..., None].expand(-1, -1, RECORD))
        existing = order.clamp(max=kernels - 1)[..., None]  # slots behind the last kernel are never looked at
        tiles, group = -(-height // TILE) * -(-width // TILE), min(channels, 4)
        render_tile[(tiles, -(-channels // group), batch)](
            image, records, colors.gather(1, existing.expand(-1, -1, channels)), *levels,
            slots, channels, height, width, reach_y, reach_x, TILE=TILE, GROUP=group, WINDOWED=windowed, num_warps=WARPS,
        )  # fmt: skip
    return image


@_splat.register_fake
def _(
    means: Tensor,
    cholesky: Tensor,
    colors: Tensor,
    height: int,
    width: int,
    windowed: bool = False,
    reach_y: float = 0.0,
    reach_x: float = 0.0,
) -> Tensor:
    return colors.new_empty(colors.shape[0], colors.shape[2], height, width)


@torch.library.custom_op("splatsr::splat_gradients", mutates_args=())
def _gradients(
    upstream: Tensor, means: Tensor, cholesky: Tensor, colors: Tensor, windowed: bool, reach_y: float, reach_x: float
) -> tuple[Tensor, Tensor, Tensor]:
    batch, kernels, channels = colors.shape
    height, width = upstream.shape[2:]
    if 0 in colors.shape:
        return means.new_zeros(means.shape), means.new_zeros(cholesky.shape), means.new_zeros(colors.shape)
    upstream, means, cholesky, colors = (part.contiguous() for part in (upstream, means, cholesky, colors))
    group = min(channels, 4)
    groups, chunks = -(-channels // group), row_chunks(kernels, height, width)
    geometry_sums = colors.new_empty(batch, kernels, chunks, groups, 5)
    color_sums = colors.new_empty(batch, kernels, chunks, channels)
    with torch.cuda.device_of(colors):
        gather_gradients[(batch * kernels * chunks, groups)](
            upstream, means, cholesky, colors, geometry_sums, color_sums,
            kernels, chunks, channels, height, width, reach_y, reach_x,
            LANES=LANES, GROUP=group, WINDOWED=windowed, num_warps=WARPS,
        )  # fmt: skip
    return geometry_sums[..., :2].sum((2, 3)), geometry_sums[..., 2:].sum((2, 3)), color_sums.sum(2)


@_gradients.register_fake
def _(
    upstream: Tensor, means: Tensor, cholesky: Tensor, colors: Tensor, windowed: bool, reach_y: float, reach_x: float
) -> tuple[Tensor, Tensor, Tensor]:
    like = partial(torch.empty_like, memory_format=torch.contiguous_format)
    return like(means), like(cholesky), like(colors)


def row_chunks(kernels: int, height: int, width: int) -> int:
    """Equal shares into which the rows of every kernel's box are cut, a power of two.

    From the shapes alone, so that the host need not wait for the boxes: about SHARE pixels for an average box. A kernel far
    larger than the average is slow (its programs run alone at the end), never wrong.
    """
    average = OVERLAP * height * width / kernels
    return min(triton.next_power_of_2(max(1, round(average / SHARE))), triton.next_power_of_2(height))


def _save(ctx: Any, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.window = inputs[5:]


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    return *_gradients(upstream, *ctx.saved_tensors, *ctx.window), None, None, None, None, None


_splat.register_autograd(_backward, setup_context=_save)
