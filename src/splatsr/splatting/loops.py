"""The CPU splatter's compiled loops: no GIL, no Python; what they do to sixteen pixels at a time is in vector_code.py.

`cpu.py` runs them on all cores: the forward over bands of image rows (each band adds its kernels in index order, so the
result does not depend on the number of threads), the backward over ranges of kernels (each kernel gathers from the
upstream gradient, so nothing is shared). Arrays are flat float32 unless said otherwise.
"""

import math
from typing import no_type_check

import numpy as np

from splatsr.simd.compiled import compiled
from splatsr.simd.counter import take
from splatsr.simd.lanes import LANES
from splatsr.splatting.columns import columns_between
from splatsr.splatting.moments import write_gradients
from splatsr.splatting.reference import CUT, HUGE, VANISHING
from splatsr.splatting.shape_entries import (
    BEND,
    C_X,
    C_Y,
    GROW,
    INVERSE_SY,
    SHARPNESS,
    SLANT,
    SLOPE,
    STEEP,
    WIDE,
)
from splatsr.splatting.vector_code import (
    CHUNK,
    FARTHEST,
    GROWTH,
    HIGH,
    LOW,
    MOMENTS,
    add_high_strip,
    add_lanes,
    add_low_strip,
    gather_lanes,
)
from splatsr.splatting.window_loops import add_windowed

BAND = 16
"""Image rows that one task renders: small enough for the cache, large enough that few kernels are touched twice."""

SUPPORT = np.float32(math.sqrt(2 * CUT))
"""How far a kernel extends: the Mahalanobis distance of the cut, 3.329 standard deviations."""

DIRECT = 0
"""A strip of so many steps is one for `add_lanes`: of rows that are taken one by one."""

ROW_BY_ROW = np.float32(32)
"""Half width in pixels beyond which a kernel's gradient is gathered row by row. Those of narrower ones are by columns of LANES
pixels: where a row of one to four blocks ends the processor cannot foresee. Wide ones would wander through too many cache
lines that way."""

_F = np.float32


@compiled(error_model="numpy")
@no_type_check
def shape_kernels(means, cholesky, height, width, support, reach_y, reach_x, first, end, shapes, rows):
    """Shapes (SHAPE, n) and the image rows [rows[k, 0], rows[k, 1]) of kernels first..end; none if nothing is visible.

    A kernel extends `support` standard deviations, and no further than `reach_y` and `reach_x` pixels along the axes.

    Loops without branches, over arrays that start at 0, with few arrays in each: so they are compiled to vector code.
    """
    means, cholesky, rows = means[first:end], cholesky[first:end], rows[first:end]
    c_x, c_y, wide = shapes[C_X, first:end], shapes[C_Y, first:end], shapes[WIDE, first:end]
    slope, grow, steep = shapes[SLOPE, first:end], shapes[GROW, first:end], shapes[STEEP, first:end]
    slant, of_sy, sharpness = shapes[SLANT, first:end], shapes[INVERSE_SY, first:end], shapes[SHARPNESS, first:end]
    bend = shapes[BEND, first:end]
    for k in range(end - first):
        c_x[k], c_y[k] = means[k, 0], means[k, 1]
    for k in range(end - first):
        l11, l21, l22 = cholesky[k, 0], cholesky[k, 1], cholesky[k, 2]
        wide[k], slope[k] = support * abs(l11), l21 / l11
        grow[k], steep[k] = _F(1) / abs(l11), _F(1) / abs(l22)
    for k in range(end - first):
        bend[k] = _exponential(steep[k] * steep[k])
    for k in range(end - first):
        l11, l21, l22 = cholesky[k, 0], cholesky[k, 1], cholesky[k, 2]
        inverse_sy = _F(1) / np.sqrt(l21 * l21 + l22 * l22)
        of_sy[k], slant[k] = inverse_sy, (l11 * inverse_sy) * (l21 * inverse_sy)
        sharpness[k] = _F(0.25) / (abs(l11) * (abs(l22) * inverse_sy))
    for k in range(end - first):
        cx, cy = means[k, 0], means[k, 1]
        l11, l21, l22 = abs(cholesky[k, 0]), abs(cholesky[k, 1]), abs(cholesky[k, 2])
        tall, broad = min(support * np.sqrt(l21 * l21 + l22 * l22), reach_y), min(support * l11, reach_x)
        top, bottom = cy - tall - _F(0.5), cy + tall - _F(0.5)
        left, right = cx - broad - _F(0.5), cx + broad - _F(0.5)
        proper = (l11 >= _F(VANISHING)) & (l22 >= _F(VANISHING)) & (l11 <= _F(HUGE)) & (l21 <= _F(HUGE)) & (l22 <= _F(HUGE))
        visible = (bottom >= _F(0)) & (top <= _F(height - 1)) & (right >= _F(0)) & (left <= _F(width - 1))
        top_row = np.int32(np.ceil(max(top, _F(0))))
        end_row = np.int32(np.floor(min(bottom, _F(height - 1)))) + np.int32(1)
        rows[k, 0] = top_row if proper & visible else np.int32(0)
        rows[k, 1] = end_row if proper & visible else np.int32(0)


@compiled(inline="always")
@no_type_check
def _exponential(q):
    """exp(-q) to float32 rounding for 0 <= q <= (FARTHEST / LOW)^2, the eighth power of its series."""
    z = -0.125 * q
    power = z / 5040 + 1 / 720
    power = power * z + 1 / 120
    power = power * z + 1 / 24
    power = power * z + 1 / 6
    power = power * z + 0.5
    power = power * z + 1.0
    power = power * z + 1.0
    power = power * power
    power = power * power
    return _F(power * power)


@compiled()
@no_type_check
def sort_into_bands(rows, kernels, counts, order):
    """Counting sort by image and band: order[counts[j]:counts[j + 1]] are the kernels that touch band j, ascending.

    Image b owns kernels b * `kernels`... and as many bands as the others. Called twice: with an empty `order` it fills `counts`
    (images * bands + 1, int64); then with `order` of counts[-1] entries.
    """
    bands = (counts.shape[0] - 1) // max(1, rows.shape[0] // kernels)
    if order.shape[0] == 0:
        counts[:] = 0
        for k in range(rows.shape[0]):
            if rows[k, 1] > rows[k, 0]:
                first = k // kernels * bands
                for j in range(first + rows[k, 0] // BAND, first + (rows[k, 1] - 1) // BAND + 1):
                    counts[j + 1] += 1
        for j in range(counts.shape[0] - 1):
            counts[j + 1] += counts[j]
        return
    cursor = counts[:-1].copy()
    for k in range(rows.shape[0]):
        if rows[k, 1] > rows[k, 0]:
            first = k // kernels * bands
            for j in range(first + rows[k, 0] // BAND, first + (rows[k, 1] - 1) // BAND + 1):
                order[cursor[j]] = k
                cursor[j] += 1


@compiled(inline="always", error_model="numpy")
@no_type_check
def _half_width(sharpness, e):
    """Half width of the cut ellipse on the row at e standard deviations, a hair more: the lanes cut exactly."""
    return _F(0.25) / sharpness * np.sqrt(max(_F(2 * CUT) - e * e, _F(0))) + _F(0.01)


@compiled(inline="always", error_model="numpy")
@no_type_check
def _edges(wide, slant, inverse_sy, sharpness, slope, top, bottom):
    """x - c_x of the left and the right edge of the cut ellipse between two rows (y - c_y), or a little more. The right edge
    is a concave function of y that peaks at its rightmost point."""
    rightmost = wide * slope  # y - c_y of that point
    at_left = min(max(-rightmost, top), bottom)
    at_right = min(max(rightmost, top), bottom)
    hair = _F(0.01) * abs(slant)  # y - c_y is rounded, and the slant magnifies that
    left = slant * at_left - _half_width(sharpness, at_left * inverse_sy) - hair
    return left, slant * at_right + _half_width(sharpness, at_right * inverse_sy) + hair


@compiled(error_model="numpy")
@no_type_check
def list_strips(shapes, rows, order, width, top, bottom, strips):
    """Cuts the kernels `order` of rows top..bottom into strips; returns their number, at most two a kernel.

    strips[i] is a kernel, the strip's steps and middle row, and its columns [first, end). Kernels too narrow for steps have a
    single one of DIRECT steps with their first row.
    """
    count = 0
    for position in range(order.shape[0]):
        k = order[position]
        y, y_end = max(rows[k, 0], top), min(rows[k, 1], bottom)
        cx, cy, wide, steep, slope = shapes[C_X, k], shapes[C_Y, k], shapes[WIDE, k], shapes[STEEP, k], shapes[SLOPE, k]
        slant, inverse_sy, sharpness = shapes[SLANT, k], shapes[INVERSE_SY, k], shapes[SHARPNESS, k]
        reach = min(wide + wide + _F(2 * LANES), _F(CHUNK * LANES))
        if not (steep * _F(LOW) <= _F(FARTHEST) and reach * abs(slope) * steep * steep <= _F(GROWTH)):
            first, end = columns_between(cx - wide, cx + wide, width)
            strips[count, 0], strips[count, 1], strips[count, 2] = k, DIRECT, y
            strips[count, 3], strips[count, 4] = first // LANES, (end + LANES - 1) // LANES
            count += 1
            continue
        while y < y_end:
            steps = HIGH if y_end - y > 2 * LOW and steep * _F(HIGH) <= _F(FARTHEST) else LOW
            dy = _F(y + steps) + _F(0.5) - cy
            left, right = _edges(wide, slant, inverse_sy, sharpness, slope, dy - _F(steps), dy + _F(steps - 1))
            first, end = columns_between(cx + left, cx + right, width)
            strips[count, 0], strips[count, 1], strips[count, 2] = k, steps, y + steps
            strips[count, 3], strips[count, 4] = first // LANES, (end + LANES - 1) // LANES
            count += 1
            y += 2 * steps
    return count


@compiled(error_model="numpy")
@no_type_check
def render_bands(shapes, rows, counts, order, colors, channels, height, width, windowed, reach_x, image, counter):
    """Renders bands of planar images until `counter` (int64, of one) has given out all: of `counts` and `order`, as
    `sort_into_bands` makes them, each the sum of its kernels; where `windowed`, as `window_loops` does it.

    Several threads may run it at once: a band is one thread's. It is summed in columns of LANES pixels, each of them contiguous
    (rows, channels, LANES), whatever the image's width: kernels then stay in the cache.
    """
    line = channels * LANES
    column = (BAND + 2 * HIGH) * line  # a strip's last rows may lie below the band
    columns = (width + LANES - 1) // LANES
    space = np.empty(columns * column + LANES, np.float32)
    buffer = space[(-(space.ctypes.data // 4)) % LANES :]  # where a cache line begins
    bands = (height + BAND - 1) // BAND
    longest = 0
    for j in range(counts.shape[0] - 1):
        longest = max(longest, counts[j + 1] - counts[j])
    strips = np.empty((2 * longest, 5), np.int32)
    task = take(counter)
    while task < counts.shape[0] - 1:
        buffer[: columns * column] = _F(0)
        top = task % bands * BAND
        bottom = min(top + BAND, height)
        own = order[counts[task] : counts[task + 1]]
        if windowed:
            add_windowed(shapes, rows, own, colors, channels, width, reach_x, top, bottom, column, buffer)
        else:
            _add_kernels(shapes, rows, own, colors, channels, width, top, bottom, strips, buffer)
        _write_rows(buffer, channels, height, width, top, bottom, image, task // bands * channels * height * width)
        task = take(counter)


@compiled(error_model="numpy")
@no_type_check
def _add_kernels(shapes, rows, order, colors, channels, width, top, bottom, strips, buffer):
    """Adds the kernels `order` to rows top..bottom in `buffer`; `strips` is room for two of each."""
    line = channels * LANES
    column = (BAND + 2 * HIGH) * line
    for position in range(list_strips(shapes, rows, order, width, top, bottom, strips)):
        k, steps, row = np.int64(strips[position, 0]), strips[position, 1], np.int64(strips[position, 2])
        first, end = np.int64(strips[position, 3]), np.int64(strips[position, 4])
        cx, cy, shade = shapes[C_X, k], shapes[C_Y, k], k * channels
        if steps == DIRECT:
            slant, inverse_sy, sharpness = shapes[SLANT, k], shapes[INVERSE_SY, k], shapes[SHARPNESS, k]
            is_narrow = end - first <= 2
            for y in range(row, min(rows[k, 1], bottom)):
                dy = _F(y) + _F(0.5) - cy
                e, lean = dy * inverse_sy, slant * dy
                if not is_narrow:
                    half = _half_width(sharpness, e)
                    left, right = columns_between(cx + lean - half, cx + lean + half, width)
                    first, end = left // LANES, (right + LANES - 1) // LANES
                for block in range(first, end):
                    start = (_F(block * LANES) + _F(0.5) - cx) - lean  # not x - m: m may be large and is rounded
                    target = block * column + (y - top) * line
                    add_lanes(buffer, target, colors, shade, channels, start, sharpness, e * e * _F(0.0625))
            continue
        dy, target = _F(row) + _F(0.5) - cy, first * column + (row - top) * line
        slope, grow, steep, bend = shapes[SLOPE, k], shapes[GROW, k], shapes[STEEP, k], shapes[BEND, k]
        while first < end:
            many, dx = min(end - first, CHUNK), _F(first * LANES) + _F(0.5) - cx
            if channels == 3:  # a constant: compiled for itself
                if steps == LOW:
                    add_low_strip(buffer, target, many, column, colors, shade, 3, dx, dy, slope, grow, steep, bend)
                else:
                    add_high_strip(buffer, target, many, column, colors, shade, 3, dx, dy, slope, grow, steep, bend)
            elif steps == LOW:
                add_low_strip(buffer, target, many, column, colors, shade, channels, dx, dy, slope, grow, steep, bend)
            else:
                add_high_strip(buffer, target, many, column, colors, shade, channels, dx, dy, slope, grow, steep, bend)
            first += CHUNK
            target += CHUNK * column


@compiled()
@no_type_check
def _write_rows(buffer, channels, height, width, top, bottom, image, at):
    """Copies rows top..bottom out of the columns of `buffer` to one planar image, which starts at image[at]."""
    line = channels * LANES
    column = (BAND + 2 * HIGH) * line
    whole = width // LANES
    for c in range(channels):
        for y in range(bottom - top):
            source, target = y * line + c * LANES, at + (c * height + top + y) * width
            for block in range(whole):
                for lane in range(LANES):
                    image[target + block * LANES + lane] = buffer[source + block * column + lane]
            for lane in range(width - whole * LANES):
                image[target + whole * LANES + lane] = buffer[source + whole * column + lane]


@compiled(inline="always", error_model="numpy")
@no_type_check
def _block_rows(shapes, k, x, top, bottom):
    """[first, end) of the rows of top..bottom on which the cut ellipse meets the columns x..x + LANES - 1, or a few more: the
    lanes cut exactly. The lower edge of the ellipse is a concave function of x that peaks at its lowest point."""
    cy, slope, grow, height = shapes[C_Y, k], shapes[SLOPE, k], shapes[GROW, k], _F(1) / shapes[STEEP, k]
    peak = SUPPORT * shapes[SLANT, k] / shapes[INVERSE_SY, k]
    left = _F(x) + _F(0.5) - shapes[C_X, k]
    right = left + _F(LANES - 1)
    at_end = min(max(peak, left), right)
    at_first = min(max(-peak, left), right)
    half_end = height * np.sqrt(max(_F(2 * CUT) - (at_end * grow) * (at_end * grow), _F(0)))
    half_first = height * np.sqrt(max(_F(2 * CUT) - (at_first * grow) * (at_first * grow), _F(0)))
    hair = _F(0.01) + _F(0.01) * abs(slope)  # x - c_x is rounded, and the slope magnifies that
    first = math.ceil(max(cy + slope * at_first - half_first - hair - _F(0.5), _F(top)))
    end = math.floor(min(cy + slope * at_end + half_end + hair - _F(0.5), _F(bottom - 1))) + 1
    return first, end


@compiled(error_model="numpy")
@no_type_check
def gather_gradients(shapes, rows, cholesky, colors, upstream, channels, height, width, kernels, first, end, grads):
    """Gradients of kernels first..end into `grads` (n, 5 + channels): means 2, Cholesky 3, colors.

    `upstream` is (images, channels, height, width + LANES), zero in the padding; image b owns kernels b * `kernels`...
    """
    pitch = width + LANES
    plane = height * pitch
    sums = np.empty((MOMENTS + channels) * LANES, np.float32)
    for k in range(first, end):
        grads[k, :] = _F(0)
        if rows[k, 1] <= rows[k, 0]:
            continue
        sums[:] = _F(0)
        cx, cy, slant = shapes[C_X, k], shapes[C_Y, k], shapes[SLANT, k]
        inverse_sy, sharpness, wide = shapes[INVERSE_SY, k], shapes[SHARPNESS, k], shapes[WIDE, k]
        x_first, x_end = columns_between(cx - wide, cx + wide, width)
        image = (k // kernels) * channels * plane
        if wide > ROW_BY_ROW:
            for y in range(rows[k, 0], rows[k, 1]):
                dy = _F(y) + _F(0.5) - cy
                e, lean = dy * inverse_sy, slant * dy
                half = _half_width(sharpness, e)
                x_first, x_end = columns_between(cx + lean - half, cx + lean + half, width)
                row = e * e * _F(0.0625)
                for x in range(x_first, x_end, LANES):
                    at = image + y * pitch + x
                    start = (_F(x) + _F(0.5) - cx) - lean
                    gather_lanes(upstream, at, plane, colors, k * channels, channels, sums, start, sharpness, row, e)
            x_end = x_first
        for x in range(x_first, x_end, LANES):
            y_first, y_end = rows[k, 0], rows[k, 1]
            if x_end - x_first > LANES:
                y_first, y_end = _block_rows(shapes, k, x, y_first, y_end)
            offset = _F(x) + _F(0.5) - cx
            for y in range(y_first, y_end):
                dy = _F(y) + _F(0.5) - cy
                e = dy * inverse_sy
                at = image + y * pitch + x
                start, row = offset - slant * dy, e * e * _F(0.0625)
                gather_lanes(upstream, at, plane, colors, k * channels, channels, sums, start, sharpness, row, e)
        write_gradients(sums, cholesky, k, channels, inverse_sy, grads)
