"""The CPU splatter's compiled loops: sixteen neighbouring pixels of one row of one kernel at a time, no GIL, no Python.

`cpu.py` runs them on all cores: the forward over bands of image rows (each band adds its kernels in index order, so the
result does not depend on the number of threads), the backward over ranges of kernels (each kernel gathers from the
upstream gradient, so nothing is shared). Arrays are flat float32 unless said otherwise.

With the row offset dy fixed, q is a parabola in x around  m = c_x + l11 l21 / sy^2 * dy:

    q = dy^2 / (2 sy^2) + (x - m)^2 / (2 sc^2),   sy^2 = l21^2 + l22^2,   sc = |l11 l22| / sy.

The vector code works with  z = q / 8 = row + s^2,  s = (x - m) / (4 sc),  and  exp(-q) = exp(-z)^8: on the short interval
that the cut leaves (z <= ln 255 / 8 = 0.69) a polynomial of degree 6 gives exp(-z) to float32 rounding. It is written as
LLVM vector code (through numba's intrinsics) because a compiler cannot vectorise a library call per pixel; LLVM splits
the sixteen lanes to whatever the processor has (`splatsr.simd.lanes`). (`no_type_check` keeps runtime type checkers of tests
out of compiled code.)
"""

import math
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.polynomial import chebyshev, polynomial

from splatsr.simd import lanes
from splatsr.simd.compiled import compiled
from splatsr.simd.lanes import LANES
from splatsr.splatting.reference import CUT, HUGE, VANISHING

BAND = 16
"""Image rows that one task renders: small enough for the cache, large enough that few kernels are touched twice."""

MOMENTS = 5
"""Lane accumulators of the geometry gradient: weighted sums of p, p^2, e, e p, e^2 (see `gather_lanes`)."""

SUPPORT = np.float32(math.sqrt(2 * CUT))
"""How far a kernel extends: the Mahalanobis distance of the cut, 3.329 standard deviations."""

SHAPE = 9
"""Entries of a kernel's shape: c_x, c_y, dm/dy, 1 / sy, 1 / (4 sc), and of its cut ellipse: the half width, x - c_x of the
lowest point (largest y), and of the chord at x - c_x = d its middle's slope l21 / l11 and its half height per sqrt(2 CUT - ..),
|l22|."""

WIDE = np.float32(32)
"""Half width in pixels beyond which a kernel is drawn row by row. Narrower ones are drawn by columns of LANES pixels: where a
row of one to four blocks ends the processor cannot foresee. Wide ones would wander through too many cache lines that way."""

_F = np.float32
_LONG = ir.IntType(64)
_LIMIT = CUT / 8


def _exponential_coefficients() -> list[float]:
    """Power-series coefficients (lowest first) of the near-minimax polynomial for exp(-z) on [0, ln 255 / 8]."""
    fit = chebyshev.Chebyshev.interpolate(lambda z: np.exp(-z), deg=6, domain=[0.0, _LIMIT])
    return list(fit.convert(kind=polynomial.Polynomial).coef)


_COEFFICIENTS = _exponential_coefficients()


def _accumulate(builder: ir.IRBuilder, pointer: ir.Value, a: ir.Value, b: ir.Value) -> None:
    """*pointer += a * b, lane by lane."""
    lanes.store(builder, lanes.call(builder, "fma", a, b, lanes.load(builder, pointer)), pointer)


def _alpha(builder: ir.IRBuilder, start: ir.Value, sharpness: ir.Value, row: ir.Value) -> tuple[ir.Value, ir.Value]:
    """(exp(-q) with the cut applied, s) of the lanes at x - m = start, start + 1, ..."""
    x = builder.fadd(lanes.broadcast(builder, start), lanes.constant([float(lane) for lane in range(LANES)]))
    s = builder.fmul(x, lanes.broadcast(builder, sharpness))
    z = lanes.call(builder, "fma", s, s, lanes.broadcast(builder, row))
    power = lanes.polynomial(builder, z, _COEFFICIENTS)
    for _ in range(3):
        power = builder.fmul(power, power)
    inside = builder.fcmp_ordered("<=", z, lanes.constant(_LIMIT))
    return builder.select(inside, power, lanes.constant(0.0)), s


@intrinsic
@no_type_check
def add_lanes(
    typing: Any, image: Any, at: Any, plane: Any, colors: Any, color: Any, channels: Any, start: Any, sharpness: Any, row: Any
):
    """image[at + c * plane + lane] += alpha * colors[color + c] for every channel c.

    `start` is x - m of the first lane, `sharpness` 1 / (4 sc), `row` dy^2 / (16 sy^2). Arrays are flat float32.
    """
    arguments = (image, types.int64, types.int64, colors, types.int64, types.int64) + (types.float32,) * 3

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        image, at, plane, colors, color, channels, start, sharpness, row = values
        alpha, _ = _alpha(builder, start, sharpness, row)
        image_pointer = lanes.pointer(context, builder, signature.args[0], image, at)
        color_pointer = lanes.pointer(context, builder, signature.args[3], colors, color)
        with cgutils.for_range(builder, channels) as loop:
            target = lanes.offset(builder, image_pointer, builder.mul(loop.index, plane))
            shade = lanes.scalar(builder, color_pointer, loop.index)
            _accumulate(builder, target, alpha, lanes.broadcast(builder, shade))
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
@no_type_check
def gather_lanes(
    typing: Any,
    upstream: Any,
    at: Any,
    plane: Any,
    colors: Any,
    color: Any,
    channels: Any,
    sums: Any,
    start: Any,
    sharpness: Any,
    row: Any,
    e: Any,
):
    """Adds sixteen pixels' share of one kernel's gradient to the lane accumulators `sums`, flat (MOMENTS + C, LANES).

    With v_c the upstream gradient, w = alpha <color, v>, p = (x - m) / sc and e = dy / sy (so q = (p^2 + e^2) / 2), the
    first five rows collect w p, w p^2, w e, w e p, w e^2, and row 5 + c collects alpha v_c.
    """
    arguments = (upstream, types.int64, types.int64, colors, types.int64, types.int64, sums) + (types.float32,) * 4

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        upstream, at, plane, colors, color, channels, sums, start, sharpness, row, e = values
        alpha, s = _alpha(builder, start, sharpness, row)
        upstream_pointer = lanes.pointer(context, builder, signature.args[0], upstream, at)
        color_pointer = lanes.pointer(context, builder, signature.args[3], colors, color)
        sums_pointer = lanes.pointer(context, builder, signature.args[6], sums, ir.Constant(_LONG, 0))
        weight = lanes.Register(builder, lanes.constant(0.0))
        with cgutils.for_range(builder, channels) as loop:
            v = lanes.load(builder, lanes.offset(builder, upstream_pointer, builder.mul(loop.index, plane)))
            shade = lanes.broadcast(builder, lanes.scalar(builder, color_pointer, loop.index))
            index = builder.add(loop.index, ir.Constant(_LONG, MOMENTS))
            _accumulate(builder, lanes.row(builder, sums_pointer, index), alpha, v)
            weight.value = lanes.call(builder, "fma", shade, v, weight.value)
        w = builder.fmul(alpha, weight.value)
        p = builder.fmul(s, lanes.constant(4.0))
        wp = builder.fmul(w, p)
        along_e = lanes.broadcast(builder, e)
        we = builder.fmul(w, along_e)
        for index, (a, b) in enumerate(((w, p), (wp, p), (w, along_e), (wp, along_e), (we, along_e))):
            _accumulate(builder, lanes.row(builder, sums_pointer, ir.Constant(_LONG, index)), a, b)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@compiled(error_model="numpy")
@no_type_check
def shape_kernels(means, cholesky, height, width, first, end, shapes, rows):
    """Shapes (n, SHAPE) and the image rows [rows[k, 0], rows[k, 1]) of kernels first..end; none if nothing is visible."""
    for k in range(first, end):
        cx, cy = means[k, 0], means[k, 1]
        l11, l21, l22 = cholesky[k, 0], cholesky[k, 1], cholesky[k, 2]
        rows[k, 0] = 0
        rows[k, 1] = 0
        if not (min(abs(l11), abs(l22)) >= _F(VANISHING) and max(abs(l11), abs(l21), abs(l22)) <= _F(HUGE)):
            continue
        sy = np.sqrt(l21 * l21 + l22 * l22)
        support_x, support_y = SUPPORT * abs(l11), SUPPORT * sy
        top, bottom = cy - support_y - _F(0.5), cy + support_y - _F(0.5)
        left, right = cx - support_x - _F(0.5), cx + support_x - _F(0.5)
        if not (bottom >= _F(0) and top <= _F(height - 1) and right >= _F(0) and left <= _F(width - 1)):
            continue
        shapes[k, 0] = cx
        shapes[k, 1] = cy
        shapes[k, 2] = (l11 / sy) * (l21 / sy)
        shapes[k, 3] = _F(1) / sy
        shapes[k, 4] = _F(0.25) / (abs(l11) * (abs(l22) / sy))
        shapes[k, 5] = support_x
        shapes[k, 6] = SUPPORT * l11 * (l21 / sy)
        shapes[k, 7] = l21 / l11
        shapes[k, 8] = abs(l22)
        rows[k, 0] = np.int32(max(math.ceil(top), 0))
        rows[k, 1] = np.int32(min(math.floor(bottom), height - 1)) + 1


@compiled()
@no_type_check
def sort_into_bands(rows, counts, order):
    """Counting sort of one image's kernels: order[counts[j]:counts[j+1]] are the kernels that touch band j, ascending.

    Called twice: with an empty `order` it fills `counts` (bands + 1, int64); then with `order` of counts[-1] entries.
    """
    bands = counts.shape[0] - 1
    if order.shape[0] == 0:
        counts[:] = 0
        for k in range(rows.shape[0]):
            if rows[k, 1] > rows[k, 0]:
                for j in range(rows[k, 0] // BAND, (rows[k, 1] - 1) // BAND + 1):
                    counts[j + 1] += 1
        for j in range(bands):
            counts[j + 1] += counts[j]
        return
    cursor = counts[:bands].copy()
    for k in range(rows.shape[0]):
        if rows[k, 1] > rows[k, 0]:
            for j in range(rows[k, 0] // BAND, (rows[k, 1] - 1) // BAND + 1):
                order[cursor[j]] = k
                cursor[j] += 1


@compiled(inline="always")
@no_type_check
def _columns(left, right, width):
    """[first, end) of the columns whose centres lie in [left, right], clipped to the image."""
    first = math.ceil(max(left - _F(0.5), _F(0)))
    end = math.floor(min(right - _F(0.5), _F(width - 1))) + 1
    return first, end


@compiled(inline="always", error_model="numpy")
@no_type_check
def _half_width(sharpness, e):
    """Half width of the cut ellipse on the row at e standard deviations, a hair more: the lanes cut exactly."""
    return _F(0.25) / sharpness * np.sqrt(max(_F(2 * CUT) - e * e, _F(0))) + _F(0.01)


@compiled(inline="always", error_model="numpy")
@no_type_check
def _block_rows(shape, x, top, bottom):
    """[first, end) of the rows of top..bottom on which the cut ellipse meets the columns x..x + LANES - 1, or a few more: the
    lanes cut exactly. The lower edge of the ellipse is a concave function of x that peaks at its lowest point."""
    cy, wide, peak, slope, height = shape[1], shape[5], shape[6], shape[7], shape[8]
    left = _F(x) + _F(0.5) - shape[0]
    right = left + _F(LANES - 1)
    at_end = min(max(peak, left), right)
    at_first = min(max(-peak, left), right)
    grow = SUPPORT / wide  # 1 / |l11|
    half_end = height * np.sqrt(max(_F(2 * CUT) - (at_end * grow) * (at_end * grow), _F(0)))
    half_first = height * np.sqrt(max(_F(2 * CUT) - (at_first * grow) * (at_first * grow), _F(0)))
    hair = _F(0.01) + _F(0.01) * abs(slope)  # x - c_x is rounded, and the slope magnifies that
    first = math.ceil(max(cy + slope * at_first - half_first - hair - _F(0.5), _F(top)))
    end = math.floor(min(cy + slope * at_end + half_end + hair - _F(0.5), _F(bottom - 1))) + 1
    return first, end


@compiled(error_model="numpy")
@no_type_check
def render_band(shapes, rows, order, colors, color, channels, height, width, top, bottom, image, at):
    """Writes rows top..bottom of one planar image, which starts at image[at]: the sum of the kernels `order`.

    `shapes` and `rows` are that image's; its colors start at colors[color].
    """
    pitch = width + LANES  # the last lanes of a row may run past its end
    plane = (bottom - top) * pitch
    buffer = np.zeros(channels * plane, np.float32)
    for position in range(order.shape[0]):
        k = order[position]
        cx, cy, slant = shapes[k, 0], shapes[k, 1], shapes[k, 2]
        inverse_sy, sharpness, wide = shapes[k, 3], shapes[k, 4], shapes[k, 5]
        kernel_top, kernel_bottom = max(rows[k, 0], top), min(rows[k, 1], bottom)
        x_first, x_end = _columns(cx - wide, cx + wide, width)
        if wide > WIDE:
            for y in range(kernel_top, kernel_bottom):
                dy = _F(y) + _F(0.5) - cy
                e, lean = dy * inverse_sy, slant * dy
                half = _half_width(sharpness, e)
                first, end = _columns(cx + lean - half, cx + lean + half, width)
                row = e * e * _F(0.0625)
                for x in range(first, end, LANES):
                    target = (y - top) * pitch + x
                    start = (_F(x) + _F(0.5) - cx) - lean  # not x - m: m may be large and is rounded
                    add_lanes(buffer, target, plane, colors, color + k * channels, channels, start, sharpness, row)
            continue
        for x in range(x_first, x_end, LANES):
            y_first, y_end = kernel_top, kernel_bottom
            if x_end - x_first > LANES:
                y_first, y_end = _block_rows(shapes[k], x, kernel_top, kernel_bottom)
            offset = _F(x) + _F(0.5) - cx
            for y in range(y_first, y_end):
                dy = _F(y) + _F(0.5) - cy
                e = dy * inverse_sy
                target = (y - top) * pitch + x
                start = offset - slant * dy
                row = e * e * _F(0.0625)
                add_lanes(buffer, target, plane, colors, color + k * channels, channels, start, sharpness, row)
    for c in range(channels):
        for y in range(bottom - top):
            source, target = c * plane + y * pitch, at + (c * height + top + y) * width
            image[target : target + width] = buffer[source : source + width]


@compiled(error_model="numpy")
@no_type_check
def gather_gradients(shapes, rows, cholesky, colors, upstream, channels, height, width, kernels, first, end, grads):
    """Gradients of kernels first..end into `grads` (n, 5 + channels): means 2, Cholesky 3, colors.

    `upstream` is (images, channels, height, width + LANES), zero in the padding; image b owns kernels b * `kernels`...

    With u = dx / l11, t = (dy - l21 u) / l22 and sums weighted by w = alpha <color, v>:
    g_l22 = S tt / l22, g_l21 = S ut / l22, g_l11 = (S uu - S ut l21 / l22) / l11, g_cy = S t / l22,
    g_cx = (S u - S t l21 / l22) / l11. (u, t) is a rotation of (e, p), in which the lanes are summed.
    """
    pitch = width + LANES
    plane = height * pitch
    sums = np.empty((MOMENTS + channels) * LANES, np.float32)
    for k in range(first, end):
        grads[k, :] = _F(0)
        if rows[k, 1] <= rows[k, 0]:
            continue
        sums[:] = _F(0)
        cx, cy, slant = shapes[k, 0], shapes[k, 1], shapes[k, 2]
        inverse_sy, sharpness, wide = shapes[k, 3], shapes[k, 4], shapes[k, 5]
        x_first, x_end = _columns(cx - wide, cx + wide, width)
        image = (k // kernels) * channels * plane
        if wide > WIDE:
            for y in range(rows[k, 0], rows[k, 1]):
                dy = _F(y) + _F(0.5) - cy
                e, lean = dy * inverse_sy, slant * dy
                half = _half_width(sharpness, e)
                x_first, x_end = _columns(cx + lean - half, cx + lean + half, width)
                row = e * e * _F(0.0625)
                for x in range(x_first, x_end, LANES):
                    at = image + y * pitch + x
                    start = (_F(x) + _F(0.5) - cx) - lean
                    gather_lanes(upstream, at, plane, colors, k * channels, channels, sums, start, sharpness, row, e)
            x_end = x_first
        for x in range(x_first, x_end, LANES):
            y_first, y_end = rows[k, 0], rows[k, 1]
            if x_end - x_first > LANES:
                y_first, y_end = _block_rows(shapes[k], x, y_first, y_end)
            offset = _F(x) + _F(0.5) - cx
            for y in range(y_first, y_end):
                dy = _F(y) + _F(0.5) - cy
                e = dy * inverse_sy
                at = image + y * pitch + x
                start, row = offset - slant * dy, e * e * _F(0.0625)
                gather_lanes(upstream, at, plane, colors, k * channels, channels, sums, start, sharpness, row, e)
        sp = spp = se = sep = see = _F(0)
        for lane in range(LANES):
            sp += sums[lane]
            spp += sums[LANES + lane]
            se += sums[2 * LANES + lane]
            sep += sums[3 * LANES + lane]
            see += sums[4 * LANES + lane]
        for c in range(channels):
            for lane in range(LANES):
                grads[k, 5 + c] += sums[(MOMENTS + c) * LANES + lane]
        l11, l21, l22 = cholesky[k, 0], cholesky[k, 1], cholesky[k, 2]
        cosine, sine = l22 * inverse_sy, l21 * inverse_sy
        flip = np.sign(l11) * np.sign(l22)
        # u = sine e + flip cosine p,  t = cosine e - flip sine p
        su = sine * se + flip * cosine * sp
        st = cosine * se - flip * sine * sp
        suu = sine * sine * see + _F(2) * flip * sine * cosine * sep + cosine * cosine * spp
        stt = cosine * cosine * see - _F(2) * flip * sine * cosine * sep + sine * sine * spp
        sut = sine * cosine * (see - spp) + flip * (cosine * cosine - sine * sine) * sep
        tilt = l21 / l22
        grads[k, 0] = (su - st * tilt) / l11
        grads[k, 1] = st / l22
        grads[k, 2] = (suu - sut * tilt) / l11
        grads[k, 3] = sut / l22
        grads[k, 4] = stt / l22
