"""The CPU splatter's vector code: what sixteen neighbouring pixels get of a kernel, as LLVM instructions.

A compiler cannot vectorise a library call per pixel, so this is written with numba's intrinsics; LLVM splits the sixteen lanes
to whatever the processor has (`splatsr.simd.lanes`). Arrays are flat float32.

One row at a time (`add_lanes`, `gather_lanes`): with the row offset dy fixed, q is a parabola in x around
m = c_x + l11 l21 / sy^2 * dy:

    q = dy^2 / (2 sy^2) + (x - m)^2 / (2 sc^2),   sy^2 = l21^2 + l22^2,   sc = |l11 l22| / sy.

The code works with  z = q / 8 = row + s^2,  s = (x - m) / (4 sc),  and  exp(-q) = exp(-z)^8: on the short interval that the cut
leaves (z <= ln 255 / 8 = 0.69) a polynomial of degree 6 gives exp(-z) to float32 rounding.

Many rows at a time (`add_low_strip`, `add_high_strip`): with x fixed, q = (u^2 + t^2) / 2, u = dx / l11,
t = (dy - l21 u) / l22, is a parabola in y. From one row to the next alpha = exp(-q) is multiplied by a quotient, and that
quotient by exp(-1 / l22^2): two products instead of an exponential. They start in the strip's middle row and walk up and down
from there, so that roundings add up over a few rows only. From one column of sixteen pixels to the next the quotients are
multiplied by exp(+-16 l21 / (l11 l22^2)) in the same way.

(`no_type_check` keeps runtime type checkers of tests out of compiled code.)
"""

from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.polynomial import chebyshev, polynomial

from splatsr.simd import lanes
from splatsr.simd.lanes import LANES
from splatsr.splatting.reference import CUT

MOMENTS = 5
"""Lane accumulators of the geometry gradient: weighted sums of p, p^2, e, e p, e^2 (see `gather_lanes`)."""

LOW, HIGH = 4, 8
"""Rows that a strip has above and below the top edge of its middle row."""

CHUNK = 8
"""Columns that a strip may have."""

FARTHEST = 5.0
"""Standard deviations that a strip may take in its steps from the middle row to its edge: with more, rounding of the first
exponential would show."""

GROWTH = 40.0
"""How much the exponent of a strip's quotients may change over its columns: with more, rounding would show, and they might
leave the range of float32."""

_LONG = ir.IntType(64)
LIMIT = CUT / 8
_FAR = -80.0
"""The exponent below which a pixel's alpha is 0 from the start: no strip may reach from there into the cut."""


def _exponential_coefficients() -> list[float]:
    """Power-series coefficients (lowest first) of the near-minimax polynomial for exp(-z) on [0, ln 255 / 8]."""
    fit = chebyshev.Chebyshev.interpolate(lambda z: np.exp(-z), deg=6, domain=[0.0, LIMIT])
    return list(fit.convert(kind=polynomial.Polynomial).coef)


COEFFICIENTS = _exponential_coefficients()
"""Of exp(-z), lowest first."""


def _accumulate(builder: ir.IRBuilder, pointer: ir.Value, a: ir.Value, b: ir.Value) -> None:
    """*pointer += a * b, lane by lane."""
    lanes.store(builder, lanes.call(builder, "fma", a, b, lanes.load(builder, pointer)), pointer)


def _alpha(builder: ir.IRBuilder, start: ir.Value, sharpness: ir.Value, row: ir.Value) -> tuple[ir.Value, ir.Value]:
    """(exp(-q) with the cut applied, s) of the lanes at x - m = start, start + 1, ..."""
    x = builder.fadd(lanes.broadcast(builder, start), lanes.constant([float(lane) for lane in range(LANES)]))
    s = builder.fmul(x, lanes.broadcast(builder, sharpness))
    z = lanes.call(builder, "fma", s, s, lanes.broadcast(builder, row))
    power = lanes.polynomial(builder, z, COEFFICIENTS)
    for _ in range(3):
        power = builder.fmul(power, power)
    inside = builder.fcmp_ordered("<=", z, lanes.constant(LIMIT))
    return builder.select(inside, power, lanes.constant(0.0)), s


def add_colors(builder: ir.IRBuilder, image: ir.Value, colors: ir.Value, channels: ir.Value, alpha: ir.Value) -> None:
    """To sixteen pixels of one row: their channels follow each other, sixteen values of each."""
    with cgutils.for_range(builder, channels) as loop:
        shade = lanes.broadcast(builder, lanes.scalar(builder, colors, loop.index))
        _accumulate(builder, lanes.row(builder, image, loop.index), alpha, shade)


@intrinsic
@no_type_check
def add_lanes(typing: Any, image: Any, at: Any, colors: Any, color: Any, channels: Any, start: Any, sharpness: Any, row: Any):
    """image[at + c * LANES + lane] += alpha * colors[color + c] for every channel c.

    `start` is x - m of the first lane, `sharpness` 1 / (4 sc), `row` dy^2 / (16 sy^2).
    """
    arguments = (image, types.int64, colors, types.int64, types.int64) + (types.float32,) * 3

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        image, at, colors, color, channels, start, sharpness, row = values
        alpha, _ = _alpha(builder, start, sharpness, row)
        image_pointer = lanes.pointer(context, builder, signature.args[0], image, at)
        color_pointer = lanes.pointer(context, builder, signature.args[2], colors, color)
        add_colors(builder, image_pointer, color_pointer, channels, alpha)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


def _strip_of(steps: int) -> Any:
    """The intrinsic for strips of 2 * `steps` rows."""

    @intrinsic
    @no_type_check
    def add_strip(
        typing: Any,
        image: Any,
        at: Any,
        columns: Any,
        pitch: Any,
        colors: Any,
        color: Any,
        channels: Any,
        dx: Any,
        dy: Any,
        slope: Any,
        grow: Any,
        steep: Any,
        bend: Any,
    ):
        """As add_lanes, for `steps` rows from image[at] down and as many above it, of up to CHUNK columns, `pitch` apart.

        `dx` is x - c_x of the first lane, `dy` y - c_y of the middle row, `slope` l21 / l11, `grow` 1 / |l11|, `steep`
        1 / |l22|, `bend` exp(-1 / l22^2). For kernels with steps * steep <= FARTHEST and
        columns * LANES * |slope| * steep^2 <= GROWTH.
        """
        arguments = (image, *(types.int64,) * 3, colors, *(types.int64,) * 2, *(types.float32,) * 6)

        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
            image, at, columns, pitch, colors, color, channels, *scalars = values
            dx, dy, slope, grow, steep, bend = (lanes.broadcast(builder, value) for value in scalars)
            image_pointer = lanes.pointer(context, builder, signature.args[0], image, at)
            color_pointer = lanes.pointer(context, builder, signature.args[4], colors, color)
            first = builder.fadd(dx, lanes.constant([float(lane) for lane in range(LANES)]))
            lean, half = builder.fneg(slope), builder.fmul(lanes.constant(0.5), steep)

            def depth(x: ir.Value) -> ir.Value:
                return builder.fmul(lanes.call(builder, "fma", lean, x, dy), steep)

            t = depth(first)
            down = lanes.exponential(builder, builder.fmul(builder.fneg(builder.fadd(t, half)), steep))
            up = lanes.exponential(builder, builder.fmul(builder.fsub(t, half), steep))
            along = builder.fmul(builder.fmul(lanes.constant(float(LANES)), slope), builder.fmul(steep, steep))
            shift, shift_back = lanes.exponential(builder, along), lanes.exponential(builder, builder.fneg(along))

            # All exponentials first: each is a long chain, and the processor works on several of them at once.
            x, middles = lanes.Register(builder, first), lanes.space(builder, CHUNK)
            with cgutils.for_range(builder, columns) as loop:
                u, t = builder.fmul(x.value, grow), depth(x.value)
                q = builder.fmul(lanes.constant(-0.5), lanes.call(builder, "fma", u, u, builder.fmul(t, t)))
                alpha = builder.select(
                    builder.fcmp_ordered(">", q, lanes.constant(_FAR)), lanes.exponential(builder, q), lanes.constant(0.0)
                )
                lanes.store(builder, alpha, lanes.row(builder, middles, loop.index))
                x.value = builder.fadd(x.value, lanes.constant(float(LANES)))

            down, up = lanes.Register(builder, down), lanes.Register(builder, up)
            line = builder.mul(channels, ir.Constant(_LONG, LANES))
            with cgutils.for_range(builder, columns) as loop:
                middle = lanes.load(builder, lanes.row(builder, middles, loop.index))
                lower = lanes.offset(builder, image_pointer, builder.mul(loop.index, pitch))
                walks = [
                    (lower, line, middle, down.value),
                    (
                        lanes.offset(builder, lower, builder.neg(line)), builder.neg(line),
                        builder.fmul(middle, up.value), builder.fmul(up.value, bend),
                    ),
                ]  # fmt: skip
                for _ in range(steps):
                    for which, (target, step, alpha, quotient) in enumerate(walks):
                        inside = builder.fcmp_ordered(">=", alpha, lanes.constant(1 / 255))
                        seen = builder.select(inside, alpha, lanes.constant(0.0))
                        add_colors(builder, target, color_pointer, channels, seen)
                        walks[which] = (
                            lanes.offset(builder, target, step), step,
                            builder.fmul(alpha, quotient), builder.fmul(quotient, bend),
                        )  # fmt: skip
                down.value, up.value = builder.fmul(down.value, shift), builder.fmul(up.value, shift_back)
            return context.get_dummy_value()

        return types.void(*arguments), codegen

    return add_strip


add_low_strip, add_high_strip = _strip_of(LOW), _strip_of(HIGH)


def gather_moments(
    builder: ir.IRBuilder,
    upstream: ir.Value,
    plane: ir.Value,
    colors: ir.Value,
    channels: ir.Value,
    sums: ir.Value,
    alpha: ir.Value,
    s: ir.Value,
    e: ir.Value,
) -> None:
    """What `gather_lanes` does with the lanes' alpha, s and e; the first three arrays by pointers to where they begin."""
    weight = lanes.Register(builder, lanes.constant(0.0))
    with cgutils.for_range(builder, channels) as loop:
        v = lanes.load(builder, lanes.offset(builder, upstream, builder.mul(loop.index, plane)))
        shade = lanes.broadcast(builder, lanes.scalar(builder, colors, loop.index))
        index = builder.add(loop.index, ir.Constant(_LONG, MOMENTS))
        _accumulate(builder, lanes.row(builder, sums, index), alpha, v)
        weight.value = lanes.call(builder, "fma", shade, v, weight.value)
    w = builder.fmul(alpha, weight.value)
    p = builder.fmul(s, lanes.constant(4.0))
    wp = builder.fmul(w, p)
    we = builder.fmul(w, e)
    for index, (a, b) in enumerate(((w, p), (wp, p), (w, e), (wp, e), (we, e))):
        _accumulate(builder, lanes.row(builder, sums, ir.Constant(_LONG, index)), a, b)


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
        along_e = lanes.broadcast(builder, e)
        gather_moments(builder, upstream_pointer, plane, color_pointer, channels, sums_pointer, alpha, s, along_e)
        return context.get_dummy_value()

    return types.void(*arguments), codegen
