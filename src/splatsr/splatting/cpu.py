"""The CPU renderer: float32, all cores, deterministic, forward and backward. Work grows with the kernels' true support.

The arithmetic is in loops.py; this file cuts the work into pieces and connects it to autograd.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from splatsr.simd.lanes import LANES
from splatsr.simd.threads import even_ranges, in_parallel
from splatsr.splatting.loops import BAND, SUPPORT, gather_gradients, render_bands, shape_kernels, sort_into_bands
from splatsr.splatting.shape_entries import SHAPE
from splatsr.splatting.window_loops import SUPPORT as WINDOWED_SUPPORT
from splatsr.splatting.window_loops import gather_windowed_gradients

SMALL = 32_768
"""Output pixels of a batch below which several threads gain less than waking them costs."""

_NO_WINDOW = np.float32(np.inf), np.float32(np.inf)


def splat_cpu(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    reach: tuple[float, float] | None = None,
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Same sum as `reference.splat_exact`, or with a `reach` as `reference.splat_windowed_exact`, in float32 on the CPU;
    differentiable once."""
    return _Splat.apply(means, cholesky, colors, size, reach)


class _Splat(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int], reach: tuple[float, float] | None
    ) -> Tensor:
        batch, kernels, channels = colors.shape
        height, width = size
        means, cholesky, colors = (part.detach().contiguous() for part in (means, cholesky, colors))
        ctx.reach = None if reach is None else (np.float32(reach[0]), np.float32(reach[1]))
        shapes, rows = _shapes(means.view(-1, 2).numpy(), cholesky.view(-1, 3).numpy(), size, ctx.reach)
        image = torch.from_numpy(np.empty((batch, channels, height, width), np.float32))  # numpy asks for large pages
        counts, order = _bands(rows, max(1, kernels), batch * -(-height // BAND))
        flat_colors, flat_image, counter = colors.numpy().reshape(-1), image.numpy().reshape(-1), np.zeros(1, np.int64)

        windowed, reach_x = reach is not None, np.float32(0) if ctx.reach is None else ctx.reach[1]

        def render(_: int) -> None:
            render_bands(
                shapes, rows, counts, order, flat_colors, channels, height, width, windowed, reach_x, flat_image, counter
            )

        is_small = batch * height * width < SMALL
        in_parallel(render, range(torch.get_num_threads()), alone=is_small)
        ctx.save_for_backward(cholesky, colors)
        ctx.shapes, ctx.rows = shapes, rows
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        cholesky, colors = ctx.saved_tensors
        batch, kernels, channels = colors.shape
        height, width = upstream.shape[-2:]
        wide = np.zeros((*upstream.shape[:-1], width + LANES), np.float32)  # not torch's pad: its idle threads keep spinning
        wide[..., :width] = upstream.numpy()
        padded = wide.reshape(-1)
        flat_cholesky, flat_colors = cholesky.view(-1, 3).numpy(), colors.numpy().reshape(-1)
        grads = torch.empty(batch * kernels, 5 + channels)
        pieces = even_ranges(batch * kernels, smallest=256)

        def gather(piece: int) -> None:
            field = ctx.shapes, ctx.rows, flat_cholesky, flat_colors, padded, channels, height, width, kernels
            if ctx.reach is None:
                gather_gradients(*field, *pieces[piece], grads.numpy())
            else:
                gather_windowed_gradients(*field, ctx.reach[1], *pieces[piece], grads.numpy())

        in_parallel(gather, range(len(pieces)))
        parts = grads.view(batch, kernels, 5 + channels).split((2, 3, channels), -1)
        return (*(part if wanted else None for part, wanted in zip(parts, ctx.needs_input_grad, strict=False)), None, None)


def _shapes(
    means: np.ndarray, cholesky: np.ndarray, size: tuple[int, int], reach: tuple[np.float32, np.float32] | None
) -> tuple[np.ndarray, np.ndarray]:
    ends = (SUPPORT, *_NO_WINDOW) if reach is None else (WINDOWED_SUPPORT, *reach)
    shapes = np.empty((SHAPE, len(means)), np.float32)
    rows = np.empty((len(means), 2), np.int32)
    pieces = even_ranges(len(means), smallest=4096)
    in_parallel(lambda piece: shape_kernels(means, cholesky, *size, *ends, *pieces[piece], shapes, rows), range(len(pieces)))
    return shapes, rows


def _bands(rows: np.ndarray, kernels: int, bands: int) -> tuple[np.ndarray, np.ndarray]:
    counts = np.empty(bands + 1, np.int64)
    sort_into_bands(rows, kernels, counts, np.empty(0, np.int32))
    order = np.empty(counts[-1], np.int32)
    sort_into_bands(rows, kernels, counts, order) if len(order) else None
    return counts, order
