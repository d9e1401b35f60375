"""Compiled loops of `branches.py`: whole branches of a window transformer's block, one window at a time, in the cache.

Sixteen pixels are a panel: an array (channels, 16), one vector per channel, so norms over channels and softmaxes over keys are
sums of vectors, and a product with a layer's weights broadcasts them in the order in which they are stored. Activations are
flat float32, panel after panel. The product's inner loop keeps up to six rows of a panel in registers (`_rows`); it, the
exponential and GELU are LLVM vector code because a compiler does not find them in loops.
"""

import math
from collections.abc import Callable
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from splatsr.simd import lanes
from splatsr.simd.compiled import compiled
from splatsr.simd.lanes import LANES

_F = np.float32

_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
"""ln 2 in two parts, the first exact in few bits: x - n ln 2 is then exact to float32 rounding (Cody and Waite 1980)."""

_ERF = 0.3275911, (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""Abramowitz and Stegun 1964, 7.1.26: erf(x) = 1 - (a1 t + .. + a5 t^5) exp(-x^2), t = 1 / (1 + p x), to 1.5e-7 for x >= 0."""


def _exponential(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """exp(x) for x <= 0, to about 2e-7 of it: 2^n exp(x - n ln 2); below -87, where float32 ends, exp(-87)."""
    x = lanes.call(builder, "maxnum", x, lanes.constant(-87.0))
    n = lanes.call(builder, "rint", builder.fmul(x, lanes.constant(math.log2(math.e))))
    rest = lanes.call(builder, "fma", n, lanes.constant(-_LN2_HIGH), x)
    rest = lanes.call(builder, "fma", n, lanes.constant(-_LN2_LOW), rest)
    power = lanes.polynomial(builder, rest, [1 / math.factorial(k) for k in range(8)])
    exponent = builder.add(builder.fptosi(n, lanes.INTEGERS), lanes.integers(127))
    return builder.fmul(power, builder.bitcast(builder.shl(exponent, lanes.integers(23)), lanes.VECTOR))


@intrinsic
@no_type_check
def softmax(typing: Any, logits: Any, keys: Any, scale: Any, bias: Any, bias_at: Any, mask: Any, mask_at: Any):
    """Softmax of  scale logits + bias + mask  down every lane of `keys` vectors, in place."""
    arguments = logits, types.int64, types.float32, bias, types.int64, mask, types.int64

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        logits, keys, scale, bias, bias_at, mask, mask_at = values
        zero = ir.Constant(ir.IntType(64), 0)
        logits, bias, mask = (
            lanes.pointer(context, builder, signature.args[index], array, at)
            for index, array, at in ((0, logits, zero), (3, bias, bias_at), (5, mask, mask_at))
        )
        scale = lanes.broadcast(builder, scale)
        largest = lanes.Register(builder, lanes.constant(-np.inf))
        total = lanes.Register(builder, lanes.constant(0.0))
        with cgutils.for_range(builder, keys) as loop:
            row = lanes.row(builder, logits, loop.index)
            added = builder.fadd(*(lanes.load(builder, lanes.row(builder, array, loop.index)) for array in (bias, mask)))
            value = lanes.call(builder, "fma", scale, lanes.load(builder, row), added)
            lanes.store(builder, value, row)
            largest.value = lanes.call(builder, "maxnum", value, largest.value)
        with cgutils.for_range(builder, keys) as loop:
            row = lanes.row(builder, logits, loop.index)
            value = _exponential(builder, builder.fsub(lanes.load(builder, row), largest.value))
            lanes.store(builder, value, row)
            total.value = builder.fadd(value, total.value)
        share = builder.fdiv(lanes.constant(1.0), total.value)
        with cgutils.for_range(builder, keys) as loop:
            row = lanes.row(builder, logits, loop.index)
            lanes.store(builder, builder.fmul(lanes.load(builder, row), share), row)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
@no_type_check
def normalise(typing: Any, panel: Any, channels: Any, gain: Any, shift: Any, epsilon: Any):
    """Layer norm over the channels of every lane, in place: (x - mean) / sqrt(variance + epsilon) * gain + shift."""
    arguments = panel, types.int64, gain, shift, types.float32

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        panel, channels, gain, shift, epsilon = values
        zero = ir.Constant(ir.IntType(64), 0)
        panel, gain, shift = (
            lanes.pointer(context, builder, signature.args[index], array, zero)
            for index, array in ((0, panel), (2, gain), (3, shift))
        )
        share = lanes.broadcast(
            builder, builder.fdiv(ir.Constant(ir.FloatType(), 1.0), builder.sitofp(channels, ir.FloatType()))
        )
        mean, variance = (lanes.Register(builder, lanes.constant(0.0)) for _ in range(2))
        with cgutils.for_range(builder, channels) as loop:
            x = lanes.load(builder, lanes.row(builder, panel, loop.index))
            mean.value = lanes.call(builder, "fma", share, x, mean.value)
        with cgutils.for_range(builder, channels) as loop:
            x = builder.fsub(lanes.load(builder, lanes.row(builder, panel, loop.index)), mean.value)
            variance.value = lanes.call(builder, "fma", share, builder.fmul(x, x), variance.value)
        spread = lanes.call(builder, "sqrt", builder.fadd(variance.value, lanes.broadcast(builder, epsilon)))
        sharpness = builder.fdiv(lanes.constant(1.0), spread)
        with cgutils.for_range(builder, channels) as loop:
            row = lanes.row(builder, panel, loop.index)
            factor, added = (lanes.broadcast(builder, lanes.scalar(builder, array, loop.index)) for array in (gain, shift))
            x = builder.fmul(builder.fsub(lanes.load(builder, row), mean.value), sharpness)
            lanes.store(builder, lanes.call(builder, "fma", x, factor, added), row)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
@no_type_check
def gelu(typing: Any, values: Any, at: Any):
    """values[at + lane] = x (1 + erf(x / sqrt 2)) / 2, x what was there."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        pointer = lanes.pointer(context, builder, signature.args[0], *arguments)
        x = lanes.load(builder, pointer)
        scaled = builder.fmul(lanes.call(builder, "fabs", x), lanes.constant(math.sqrt(0.5)))
        p, series = _ERF
        t = builder.fdiv(lanes.constant(1.0), lanes.call(builder, "fma", scaled, lanes.constant(p), lanes.constant(1.0)))
        tail = builder.fmul(
            lanes.polynomial(builder, t, [0.0, *series]), _exponential(builder, builder.fneg(builder.fmul(scaled, scaled)))
        )
        erf = lanes.call(builder, "copysign", builder.fsub(lanes.constant(1.0), tail), x)
        half = builder.fmul(x, lanes.constant(0.5))
        lanes.store(builder, lanes.call(builder, "fma", half, erf, half), pointer)
        return context.get_dummy_value()

    return types.void(values, types.int64), codegen


def _rows(count: int) -> Callable[..., None]:
    @intrinsic
    @no_type_check
    def rows(
        typing: Any, a: Any, at: Any, down: Any, runs: Any, over: Any, steps: Any, along: Any, b: Any, panel: Any,
        out: Any, out_at: Any, start: Any, first: Any,
    ):  # fmt: skip
        """`count` rows of  start + A B  for a panel B (runs * steps, LANES), stored one after the other at out[out_at].

        Row r of A, entry run * steps + step, is a[at + r * down + run * over + step * along]; start[first + r] is added to all
        lanes of row r.
        """
        of_a, of_b = (a, *[types.int64] * 6), (b, types.int64)
        arguments = (*of_a, *of_b, out, types.int64, start, types.int64)

        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
            a, at, down, runs, over, steps, along, b, panel, out, out_at, start, first = values
            a_pointer = lanes.pointer(context, builder, signature.args[0], a, at)
            b_pointer = lanes.pointer(context, builder, signature.args[7], b, panel)
            out_pointer = lanes.pointer(context, builder, signature.args[9], out, out_at)
            start_pointer = lanes.pointer(context, builder, signature.args[11], start, first)

            indices = [ir.Constant(ir.IntType(64), index) for index in range(count)]
            starts = [lanes.scalar(builder, start_pointer, index) for index in indices]
            sums = [lanes.Register(builder, lanes.broadcast(builder, value)) for value in starts]
            with cgutils.for_range(builder, runs) as run:
                far = builder.mul(run.index, over)
                before = builder.mul(run.index, steps)
                with cgutils.for_range(builder, steps) as step:
                    vector = lanes.load(builder, lanes.row(builder, b_pointer, builder.add(before, step.index)))
                    offset = builder.add(far, builder.mul(step.index, along))
                    for index, total in zip(indices, sums, strict=True):
                        factor = lanes.scalar(builder, a_pointer, builder.add(offset, builder.mul(index, down)))
                        total.value = lanes.call(builder, "fma", lanes.broadcast(builder, factor), vector, total.value)
            for index, total in zip(indices, sums, strict=True):
                lanes.store(builder, total.value, lanes.row(builder, out_pointer, index))
            return context.get_dummy_value()

        return types.void(*arguments), codegen

    return rows


_one_row, _four_rows, _six_rows = _rows(1), _rows(4), _rows(6)


@compiled(error_model="numpy")
@no_type_check
def multiply(a, at, total, down, runs, over, steps, along, b, panel, out, out_at, start, first):
    """`total` rows of start + A B; see `_rows`."""
    row = 0
    while total - row >= 6:
        _six_rows(a, at + row * down, down, runs, over, steps, along, b, panel, out, out_at + row * LANES, start, first + row)
        row += 6
    while total - row >= 4:
        _four_rows(a, at + row * down, down, runs, over, steps, along, b, panel, out, out_at + row * LANES, start, first + row)
        row += 4
    while total - row >= 1:
        _one_row(a, at + row * down, down, runs, over, steps, along, b, panel, out, out_at + row * LANES, start, first + row)
        row += 1


@compiled(error_model="numpy")
@no_type_check
def apply_layer(weight, bias, inputs, outputs, x, panels, y):
    """y = weight x + bias for all panels: six rows of the weights at a time, so that they stay in the cache for all panels."""
    row = 0
    while row < outputs:
        count = min(6, outputs - row)
        for panel in range(panels):
            multiply(
                weight, row * inputs, count, inputs, 1, 0, inputs, 1, x, panel * inputs * LANES,
                y, (panel * outputs + row) * LANES, bias, row,
            )  # fmt: skip
        row += count


@compiled(error_model="numpy")
@no_type_check
def load_normalised(grid, pixels, first, count, gain, shift, epsilon, panel):
    """Layer norm of up to sixteen rows grid[pixels[first + lane]] as one panel; lanes from `count` on are those of zeros."""
    channels = grid.shape[1]
    if count < LANES:
        panel[: channels * LANES] = 0
    for lane in range(count):
        pixel = pixels[first + lane]
        for c in range(channels):
            panel[c * LANES + lane] = grid[pixel, c]
    normalise(panel, channels, gain, shift, epsilon)


@compiled(error_model="numpy")
@no_type_check
def store_sum(grid, pixels, first, count, channels, panel, out):
    """out[pixel] = grid[pixel] + the panel's column, for pixels[first .. first + count - 1]."""
    for lane in range(count):
        pixel = pixels[first + lane]
        for c in range(channels):
            out[pixel, c] = grid[pixel, c] + panel[c * LANES + lane]


@compiled(error_model="numpy")
@no_type_check
def attend_windows(
    grid, pixels, side, heads, gain, shift, epsilon, qkv_weight, qkv_bias, proj_weight, proj_bias, bias, mask, kinds,
    first, end, out,
):  # fmt: skip
    """out = grid + attention(norm(grid)) for windows first .. end - 1; rows of the grid are pixels.

    `pixels` holds side^2 rows of the grid for every window, `bias` (heads, panels, side^2 keys, LANES queries), `mask` the
    same without heads for every kind of window, `kinds` the kind of every window.
    """
    channels = grid.shape[1]
    n, width = side * side, channels // heads
    panels, scale = -(-n // LANES), _F(1 / math.sqrt(width))
    size = n * LANES
    x = np.empty(panels * channels * LANES, _F)
    qkv = np.zeros(panels * 3 * channels * LANES, _F)
    logits, zeros = np.zeros(panels * LANES * LANES, _F), np.zeros(max(LANES, channels), _F)  # keys that fill a panel up: zero
    between = 3 * channels * LANES  # from panel to panel of qkv
    for window in range(first, end):
        for panel in range(panels):
            at = panel * LANES
            load_normalised(grid, pixels, window * n + at, min(LANES, n - at), gain, shift, epsilon, x[at * channels :])
        apply_layer(qkv_weight, qkv_bias, channels, 3 * channels, x, panels, qkv)
        for head in range(heads):
            query = head * width * LANES
            key, value = query + channels * LANES, query + 2 * channels * LANES
            for panel in range(panels):
                for other in range(panels):  # logits, transposed: a row for each key, a lane for each query
                    keys = min(LANES, n - other * LANES)
                    multiply(
                        qkv, other * between + key, keys, 1, 1, 0, width, LANES, qkv, panel * between + query,
                        logits, other * LANES * LANES, zeros, 0,
                    )  # fmt: skip
                bias_at, mask_at = (head * panels + panel) * size, (kinds[window] * panels + panel) * size
                softmax(logits, n, scale, bias, bias_at, mask, mask_at)
                out_at = (panel * channels + head * width) * LANES
                multiply(qkv, value, width, LANES, panels, between, LANES, 1, logits, 0, x, out_at, zeros, 0)
        apply_layer(proj_weight, proj_bias, channels, channels, x, panels, qkv)
        for panel in range(panels):
            at = panel * LANES
            store_sum(grid, pixels, window * n + at, min(LANES, n - at), channels, qkv[at * channels :], out)


@compiled(error_model="numpy")
@no_type_check
def mix_channels(grid, pixels, gain, shift, epsilon, in_weight, in_bias, out_weight, out_bias, panels, first, end, out):
    """out = grid + mlp(norm(grid)) for pixels first .. end - 1, `panels` panels at a time."""
    channels, hidden = grid.shape[1], len(in_bias)
    x = np.empty(panels * channels * LANES, _F)
    inner = np.empty(panels * hidden * LANES, _F)
    while first < end:
        used = min(panels, -(-(end - first) // LANES))
        for panel in range(used):
            at = first + panel * LANES
            load_normalised(grid, pixels, at, min(LANES, end - at), gain, shift, epsilon, x[panel * channels * LANES :])
        apply_layer(in_weight, in_bias, channels, hidden, x, used, inner)
        for row in range(used * hidden):
            gelu(inner, row * LANES)
        apply_layer(out_weight, out_bias, hidden, channels, inner, used, x)
        for panel in range(used):
            at = first + panel * LANES
            store_sum(grid, pixels, at, min(LANES, end - at), channels, x[panel * channels * LANES :], out)
        first += used * LANES
