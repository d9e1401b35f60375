"""The CPU splatter's loops for kernels that end at a window instead of a value, row by row (`reference.splat_windowed_exact`).

Bands, columns and shapes are those of loops.py; only what one kernel adds, and what it gathers, is different. A kernel is
walked where exp(-q) is at least exp(-NEGLIGIBLE), which float32 cannot tell from everywhere.
"""

import math
from typing import no_type_check

import numpy as np

from splatsr.simd.compiled import compiled
from splatsr.simd.lanes import LANES
from splatsr.splatting.columns import columns_between
from splatsr.splatting.moments import write_gradients
from splatsr.splatting.reference import NEGLIGIBLE
from splatsr.splatting.shape_entries import C_X, C_Y, INVERSE_SY, SHARPNESS, SLANT
from splatsr.splatting.vector_code import MOMENTS
from splatsr.splatting.window_lanes import add_windowed_lanes, gather_windowed_lanes

SUPPORT = np.float32(math.sqrt(2 * NEGLIGIBLE))
"""How far such a kernel extends, in standard deviations."""

_F = np.float32


@compiled(inline="always", error_model="numpy")
@no_type_check
def _reached(cx, lean, e, sharpness, reach, width):
    """[first, end) of the columns that a kernel reaches on the row at e standard deviations, or a few more."""
    half = _F(0.25) / sharpness * np.sqrt(max(_F(2 * NEGLIGIBLE) - e * e, _F(0))) + _F(0.01)
    return columns_between(cx + max(lean - half, -reach), cx + min(lean + half, reach), width)


@compiled(error_model="numpy")
@no_type_check
def add_windowed(shapes, rows, order, colors, channels, width, reach, top, bottom, column, buffer):
    """Adds the kernels `order` to rows top..bottom in `buffer`, whose columns of LANES pixels are `column` floats apart.

    `reach` is the window's half width; its height is in `rows`.
    """
    line = channels * LANES
    for position in range(order.shape[0]):
        k = np.int64(order[position])
        cx, cy, slant = shapes[C_X, k], shapes[C_Y, k], shapes[SLANT, k]
        inverse_sy, sharpness = shapes[INVERSE_SY, k], shapes[SHARPNESS, k]
        for y in range(max(np.int64(rows[k, 0]), top), min(np.int64(rows[k, 1]), bottom)):
            dy = _F(y) + _F(0.5) - cy
            e, lean = dy * inverse_sy, slant * dy
            first, end = _reached(cx, lean, e, sharpness, reach, width)
            for block in range(first // LANES, (end + LANES - 1) // LANES):
                dx = _F(block * LANES) + _F(0.5) - cx
                target = block * column + (y - top) * line
                row = e * e * _F(0.0625)
                add_windowed_lanes(buffer, target, colors, k * channels, channels, dx, lean, reach, sharpness, row)


@compiled(error_model="numpy")
@no_type_check
def gather_windowed_gradients(
    shapes, rows, cholesky, colors, upstream, channels, height, width, kernels, reach, first, end, grads
):
    """As `loops.gather_gradients`, within the window."""
    pitch = width + LANES
    plane = height * pitch
    sums = np.empty((MOMENTS + channels) * LANES, np.float32)
    for k in range(first, end):
        grads[k, :] = _F(0)
        if rows[k, 1] <= rows[k, 0]:
            continue
        sums[:] = _F(0)
        cx, cy, slant = shapes[C_X, k], shapes[C_Y, k], shapes[SLANT, k]
        inverse_sy, sharpness = shapes[INVERSE_SY, k], shapes[SHARPNESS, k]
        image = (k // kernels) * channels * plane
        for y in range(rows[k, 0], rows[k, 1]):
            dy = _F(y) + _F(0.5) - cy
            e, lean = dy * inverse_sy, slant * dy
            x_first, x_end = _reached(cx, lean, e, sharpness, reach, width)
            for x in range(x_first, x_end, LANES):
                at, dx, row = image + y * pitch + x, _F(x) + _F(0.5) - cx, e * e * _F(0.0625)
                gather_windowed_lanes(
                    upstream, at, plane, colors, k * channels, channels, sums, dx, lean, reach, sharpness, row, e
                )
        write_gradients(sums, cholesky, k, channels, inverse_sy, grads)
