"""The GPU splatter's Triton kernels; gpu.py launches them. Images are planar (B, C, height, width), everything is contiguous.

With the row offset dy fixed, q is a parabola in x around  c_x + lean,  so that its two terms cancel nothing:

    q = (e^2 + p^2) / 2,   e = dy / sy,   p = (dx - lean) / sc,   lean = l11 l21 / sy^2 * dy,
    sy^2 = l21^2 + l22^2,   sc = |l11 l22| / sy,   (dx, dy) = pixel centre - kernel's centre

as in the CPU's loops. Where WINDOWED, a kernel ends at |dx| = reach_x and |dy| = reach_y, not at the cut. Boxes hold (left,
top, -right, -bottom) of a kernel's support, in output pixels, so that the box of sixteen boxes is their minimum and the box of
nothing is +inf four times.

Size arguments are not specialised: arbitrary-scale training meets a new image size in every batch, and each would compile
anew. Nothing is a tensor of pixels by channels, since Triton would spread the channels over threads and every one of them would
compute the exponential again; hence the accumulators that are written out (four channels at most, GROUP of them in use).
"""

import math
from typing import no_type_check

import triton
import triton.language as tl

from splatsr.splatting.reference import CUT, HUGE, NEGLIGIBLE, VANISHING

FANOUT = tl.constexpr(16)
"""Children of a node of the tree of boxes."""

RECORD = tl.constexpr(8)
"""Floats of a kernel's record, of which five are used: c_x, c_y, dlean/dy, 1 / sy, 1 / sc. One memory sector."""

LAST = tl.constexpr(2**31 - 1)
"""Key of a kernel that adds nothing: behind all others."""

CELLS = tl.constexpr(2.0**15)
"""Cells along the image's longer side, in which centres are sorted."""

_TWICE_CUT = tl.constexpr(2 * CUT)
_SUPPORT = tl.constexpr(math.sqrt(2 * CUT))
_TWICE_NEGLIGIBLE = tl.constexpr(2 * NEGLIGIBLE)
_WINDOWED_SUPPORT = tl.constexpr(math.sqrt(2 * NEGLIGIBLE))
_MARGIN = tl.constexpr(0.01)  # a box is a hair too large: q decides, not the rounding of the box
_TO_POWER_OF_TWO = tl.constexpr(-0.5 / math.log(2.0))  # exp(-q) = 2 ^ (this (e^2 + p^2))
_VANISHING = tl.constexpr(VANISHING)
_HUGE = tl.constexpr(HUGE)
_LARGEST = tl.constexpr(3.4e38)


@triton.jit
@no_type_check
def _shape(cx, cy, l11, l21, l22, height, width, reach_y, reach_x, WINDOWED: tl.constexpr):
    """(visible, dlean/dy, 1 / sy, 1 / sc, half width, half height of the box) of kernels; all but `visible` may be
    anything where that is false."""
    shortest = tl.minimum(tl.abs(l11), tl.abs(l22))
    visible = (shortest >= _VANISHING) & (tl.abs(l11) <= _HUGE) & (tl.abs(l21) <= _HUGE) & (tl.abs(l22) <= _HUGE)
    visible = visible & (tl.abs(cx) <= _LARGEST) & (tl.abs(cy) <= _LARGEST)
    sy = tl.sqrt_rn(l21 * l21 + l22 * l22)
    slant = tl.div_rn(l11, sy) * tl.div_rn(l21, sy)
    inverse_sc = tl.div_rn(sy, tl.abs(l22)) / tl.abs(l11)
    if WINDOWED:
        wide = tl.minimum(tl.abs(l11) * _WINDOWED_SUPPORT, reach_x) + _MARGIN
        tall = tl.minimum(sy * _WINDOWED_SUPPORT, reach_y) + _MARGIN
    else:
        wide, tall = _SUPPORT * tl.abs(l11) + _MARGIN, _SUPPORT * sy + _MARGIN
    visible = visible & (cx + wide >= 0.5) & (cx - wide <= width - 0.5) & (cy + tall >= 0.5) & (cy - tall <= height - 0.5)
    return visible, slant, 1.0 / sy, inverse_sc, wide, tall


@triton.jit
@no_type_check
def _inside(distance, dy, dx, reach_y, reach_x, WINDOWED: tl.constexpr):
    """Where a kernel contributes; `distance` is 2 q."""
    if WINDOWED:
        return (distance <= _TWICE_NEGLIGIBLE) & (tl.abs(dy) <= reach_y) & (tl.abs(dx) <= reach_x)
    return distance <= _TWICE_CUT


@triton.jit
@no_type_check
def _every_other_bit(v):
    """abcd -> 0a0b0c0d for fifteen bits."""
    v = (v | (v << 8)) & 0x00FF00FF
    v = (v | (v << 4)) & 0x0F0F0F0F
    v = (v | (v << 2)) & 0x33333333
    return (v | (v << 1)) & 0x55555555


@triton.jit(do_not_specialize=["kernels", "slots", "height", "width"])
@no_type_check
def shape_kernels(
    means,
    cholesky,
    records,
    boxes,
    keys,
    kernels,
    slots,
    height,
    width,
    reach_y,
    reach_x,
    BLOCK: tl.constexpr,
    WINDOWED: tl.constexpr,
):
    """Records (B, slots, RECORD), boxes (4, B, slots) and sorting keys (B, slots) of the kernels (B, kernels, ...).

    A key is the position of the centre's cell along a Z-shaped curve through the image: neighbours in the sorted list are
    neighbours in the image. Slots without a visible kernel get an empty box and the last key. Grid: (slots / BLOCK, B).
    """
    slot = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    image = tl.program_id(1).to(tl.int64)
    given = slot < kernels
    source = image * kernels + slot
    cx = tl.load(means + 2 * source, mask=given, other=0.0)
    cy = tl.load(means + 2 * source + 1, mask=given, other=0.0)
    l11 = tl.load(cholesky + 3 * source, mask=given, other=0.0)
    l21 = tl.load(cholesky + 3 * source + 1, mask=given, other=0.0)
    l22 = tl.load(cholesky + 3 * source + 2, mask=given, other=0.0)
    visible, slant, inverse_sy, inverse_sc, wide, tall = _shape(
        cx, cy, l11, l21, l22, height, width, reach_y, reach_x, WINDOWED
    )
    target = image * slots + slot
    record = records + target * RECORD
    tl.store(record, cx)
    tl.store(record + 1, cy)
    tl.store(record + 2, slant)
    tl.store(record + 3, inverse_sy)
    tl.store(record + 4, inverse_sc)
    coordinate = tl.num_programs(1).to(tl.int64) * slots
    nothing = float("inf")
    tl.store(boxes + target, tl.where(visible, cx - wide, nothing))
    tl.store(boxes + coordinate + target, tl.where(visible, cy - tall, nothing))
    tl.store(boxes + 2 * coordinate + target, tl.where(visible, -(cx + wide), nothing))
    tl.store(boxes + 3 * coordinate + target, tl.where(visible, -(cy + tall), nothing))
    cells = CELLS / tl.maximum(height, width).to(tl.float32)
    column = tl.minimum(tl.maximum(tl.where(visible, cx, 0.0) * cells, 0.0), CELLS - 1).to(tl.int32)
    row = tl.minimum(tl.maximum(tl.where(visible, cy, 0.0) * cells, 0.0), CELLS - 1).to(tl.int32)
    key = _every_other_bit(column) | (_every_other_bit(row) << 1)
    tl.store(keys + target, tl.where(visible, key, LAST))


@triton.jit
@no_type_check
def _touching(boxes, first, count, coordinate, left, top, right, bottom):
    """Which of the FANOUT boxes from `first` on (`count` exist) touch the rectangle: bit i is for box first + i."""
    child = tl.arange(0, FANOUT)
    box = boxes + first + child
    exists = first + child < count
    nothing = float("inf")
    hit = tl.load(box, mask=exists, other=nothing) <= right
    hit = hit & (tl.load(box + coordinate, mask=exists, other=nothing) <= bottom)
    hit = hit & (tl.load(box + 2 * coordinate, mask=exists, other=nothing) <= -left)
    hit = hit & (tl.load(box + 3 * coordinate, mask=exists, other=nothing) <= -top)
    return tl.sum(hit.to(tl.int32) << child, 0)


@triton.jit
@no_type_check
def _lowest(bits):
    """Index of the lowest bit that is set: the exponent of that power of two as a float."""
    return ((bits & -bits).to(tl.float32).to(tl.int32, bitcast=True) >> 23) - 127


@triton.jit(do_not_specialize=["slots", "channels", "height", "width"])
@no_type_check
def render_tile(
    image,
    records,
    colors,
    boxes,
    boxes_16,
    boxes_256,
    boxes_4096,
    slots,
    channels,
    height,
    width,
    reach_y,
    reach_x,
    TILE: tl.constexpr,
    GROUP: tl.constexpr,
    WINDOWED: tl.constexpr,
):
    """Writes one tile of GROUP channels: the sum of the kernels whose boxes touch it, in the order of the slots.

    Walks the tree of boxes: a box of 4096 slots that touches the tile is opened into its sixteen boxes of 256 slots, and so
    on down to kernels. The colors (B, slots, channels) are in the order of the slots too. `slots` is a multiple of 4096.
    Grid: (tiles, groups of channels, B).
    """
    tiles_x = (width + TILE - 1) // TILE
    tile_y, tile_x = tl.program_id(0) // tiles_x, tl.program_id(0) % tiles_x
    batch, group = tl.program_id(2).to(tl.int64), tl.program_id(1) * GROUP
    pixel = tl.arange(0, TILE * TILE)
    row, column = tile_y * TILE + pixel // TILE, tile_x * TILE + pixel % TILE
    x, y = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
    left, top = (tile_x * TILE).to(tl.float32) + 0.5, (tile_y * TILE).to(tl.float32) + 0.5
    right, bottom = left + (TILE - 1), top + (TILE - 1)
    count = tl.num_programs(2).to(tl.int64) * slots  # of one coordinate's boxes
    records += batch * slots * RECORD
    colors += batch * slots * channels + group
    boxes += batch * slots
    boxes_16 += batch * (slots // 16)
    boxes_256 += batch * (slots // 256)
    boxes_4096 += batch * (slots // 4096)
    more_1, more_2, more_3 = group + 1 < channels, group + 2 < channels, group + 3 < channels
    sum_0 = tl.zeros((TILE * TILE,), tl.float32)
    sum_1, sum_2, sum_3 = sum_0, sum_0, sum_0

    for first in range(0, slots // 4096, FANOUT):
        large = _touching(boxes_4096, first, slots // 4096, count // 4096, left, top, right, bottom)
        while large != 0:
            node = (first + _lowest(large)) * FANOUT
            large = large & (large - 1)
            middle = _touching(boxes_256, node, slots // 256, count // 256, left, top, right, bottom)
            while middle != 0:
                leaf = (node + _lowest(middle)) * FANOUT
                middle = middle & (middle - 1)
                small = _touching(boxes_16, leaf, slots // 16, count // 16, left, top, right, bottom)
                while small != 0:
                    start = (leaf + _lowest(small)) * FANOUT
                    small = small & (small - 1)
                    single = _touching(boxes, start, slots, count, left, top, right, bottom)
                    while single != 0:
                        slot = start + _lowest(single)
                        single = single & (single - 1)
                        record = records + slot.to(tl.int64) * RECORD
                        dy, dx = y - tl.load(record + 1), x - tl.load(record)
                        e = dy * tl.load(record + 3)
                        p = (dx - tl.load(record + 2) * dy) * tl.load(record + 4)
                        distance = e * e + p * p
                        inside = _inside(distance, dy, dx, reach_y, reach_x, WINDOWED)
                        weight = tl.where(inside, tl.exp2(distance * _TO_POWER_OF_TWO), 0.0)
                        color = colors + slot.to(tl.int64) * channels
                        sum_0 += weight * tl.load(color)
                        if GROUP > 1:
                            sum_1 += weight * tl.load(color + 1, mask=more_1, other=0.0)
                        if GROUP > 2:
                            sum_2 += weight * tl.load(color + 2, mask=more_2, other=0.0)
                        if GROUP > 3:
                            sum_3 += weight * tl.load(color + 3, mask=more_3, other=0.0)

    plane = height.to(tl.int64) * width
    target = image + (batch * channels + group) * plane + row.to(tl.int64) * width + column
    exists = (row < height) & (column < width)
    tl.store(target, sum_0, mask=exists)
    if GROUP > 1:
        tl.store(target + plane, sum_1, mask=exists & more_1)
    if GROUP > 2:
        tl.store(target + 2 * plane, sum_2, mask=exists & more_2)
    if GROUP > 3:
        tl.store(target + 3 * plane, sum_3, mask=exists & more_3)


@triton.jit
@no_type_check
def _span(centre, half, length):
    """(first, end) of the pixels whose centres lie within `half` of `centre`, clipped to 0..length."""
    first = tl.ceil(tl.maximum(centre - half - 0.5, 0.0))
    end = tl.floor(tl.minimum(centre + half - 0.5, length - 1.0)) + 1.0
    return first.to(tl.int32), end.to(tl.int32)


@triton.jit(do_not_specialize=["kernels", "chunks", "channels", "height", "width"])
@no_type_check
def gather_gradients(
    upstream,
    means,
    cholesky,
    colors,
    geometry_sums,
    color_sums,
    kernels,
    chunks,
    channels,
    height,
    width,
    reach_y,
    reach_x,
    LANES: tl.constexpr,
    GROUP: tl.constexpr,
    WINDOWED: tl.constexpr,
):
    """One kernel, one of `chunks` equal shares of the rows of its box, GROUP channels: its part of the gradients.

    Into geometry_sums (B * kernels, chunks, groups, 5: means 2, Cholesky 3) and color_sums (B * kernels, chunks, channels).
    With u = dx / l11, t = (dy - l21 u) / l22 and sums weighted by w = exp(-q) <color, v>, v the upstream gradient:
    g_l22 = S tt / l22, g_l21 = S ut / l22, g_l11 = (S uu - S ut l21 / l22) / l11, g_cy = S t / l22,
    g_cx = (S u - S t l21 / l22) / l11. (u, t) is a rotation of (e, p), in which the pixels are summed.
    Grid: (B * kernels * chunks, groups of channels).
    """
    kernel, chunk = (tl.program_id(0) // chunks).to(tl.int64), tl.program_id(0) % chunks
    group = tl.program_id(1) * GROUP
    cx, cy = tl.load(means + 2 * kernel), tl.load(means + 2 * kernel + 1)
    l11, l21, l22 = tl.load(cholesky + 3 * kernel), tl.load(cholesky + 3 * kernel + 1), tl.load(cholesky + 3 * kernel + 2)
    visible, slant, inverse_sy, inverse_sc, wide, tall = _shape(
        cx, cy, l11, l21, l22, height, width, reach_y, reach_x, WINDOWED
    )
    left, right = _span(tl.where(visible, cx, 0.0), tl.where(visible, wide, 0.0), width)
    top, bottom = _span(tl.where(visible, cy, 0.0), tl.where(visible, tall, 0.0), height)
    rows, columns = tl.where(visible, bottom - top, 0), right - left
    first, end = top + rows * chunk // chunks, top + rows * (chunk + 1) // chunks
    pixels = (end - first) * columns

    plane = height.to(tl.int64) * width
    source = upstream + ((kernel // kernels) * channels + group) * plane
    color = colors + kernel * channels + group
    more_1, more_2, more_3 = group + 1 < channels, group + 2 < channels, group + 3 < channels
    lane = tl.arange(0, LANES)
    nothing = tl.zeros((LANES,), tl.float32)
    sum_p, sum_pp, sum_e, sum_ep, sum_ee = nothing, nothing, nothing, nothing, nothing
    sum_0, sum_1, sum_2, sum_3 = nothing, nothing, nothing, nothing
    for start in range(0, pixels, LANES):
        index = start + lane
        row, column = first + index // columns, left + index % columns
        dy, dx = row.to(tl.float32) + 0.5 - cy, column.to(tl.float32) + 0.5 - cx
        e = dy * inverse_sy
        p = (dx - slant * dy) * inverse_sc
        distance = e * e + p * p
        inside = (index < pixels) & _inside(distance, dy, dx, reach_y, reach_x, WINDOWED)
        weight = tl.where(inside, tl.exp2(distance * _TO_POWER_OF_TWO), 0.0)
        e, p = tl.where(inside, e, 0.0), tl.where(inside, p, 0.0)
        at = source + row.to(tl.int64) * width + column
        v = tl.load(at, mask=inside, other=0.0)
        sum_0 += weight * v
        shade = tl.load(color) * v
        if GROUP > 1:
            v = tl.load(at + plane, mask=inside & more_1, other=0.0)
            sum_1 += weight * v
            shade += tl.load(color + 1, mask=more_1, other=0.0) * v
        if GROUP > 2:
            v = tl.load(at + 2 * plane, mask=inside & more_2, other=0.0)
            sum_2 += weight * v
            shade += tl.load(color + 2, mask=more_2, other=0.0) * v
        if GROUP > 3:
            v = tl.load(at + 3 * plane, mask=inside & more_3, other=0.0)
            sum_3 += weight * v
            shade += tl.load(color + 3, mask=more_3, other=0.0) * v
        w = weight * shade
        sum_p += w * p
        sum_pp += w * p * p
        sum_e += w * e
        sum_ep += w * e * p
        sum_ee += w * e * e

    sp, spp, se = tl.sum(sum_p, 0), tl.sum(sum_pp, 0), tl.sum(sum_e, 0)
    sep, see = tl.sum(sum_ep, 0), tl.sum(sum_ee, 0)
    cosine, sine = l22 * inverse_sy, l21 * inverse_sy
    flip = tl.where((l11 < 0) != (l22 < 0), -1.0, 1.0)
    # u = sine e + flip cosine p,  t = cosine e - flip sine p
    su = sine * se + flip * cosine * sp
    st = cosine * se - flip * sine * sp
    suu = sine * sine * see + 2.0 * flip * sine * cosine * sep + cosine * cosine * spp
    stt = cosine * cosine * see - 2.0 * flip * sine * cosine * sep + sine * sine * spp
    sut = sine * cosine * (see - spp) + flip * (cosine * cosine - sine * sine) * sep
    tilt = l21 / l22
    target = geometry_sums + ((kernel * chunks + chunk) * tl.num_programs(1) + tl.program_id(1)) * 5
    tl.store(target, tl.where(visible, (su - st * tilt) / l11, 0.0))
    tl.store(target + 1, tl.where(visible, st / l22, 0.0))
    tl.store(target + 2, tl.where(visible, (suu - sut * tilt) / l11, 0.0))
    tl.store(target + 3, tl.where(visible, sut / l22, 0.0))
    tl.store(target + 4, tl.where(visible, stt / l22, 0.0))
    target = color_sums + (kernel * chunks + chunk) * channels + group
    tl.store(target, tl.sum(sum_0, 0))
    if GROUP > 1:
        tl.store(target + 1, tl.sum(sum_1, 0), mask=more_1)
    if GROUP > 2:
        tl.store(target + 2, tl.sum(sum_2, 0), mask=more_2)
    if GROUP > 3:
        tl.store(target + 3, tl.sum(sum_3, 0), mask=more_3)
