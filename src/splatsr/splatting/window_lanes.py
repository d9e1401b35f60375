"""The vector code of kernels that end at a window instead of a value: `vector_code.add_lanes` and `gather_lanes` for them."""

from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from splatsr.simd import lanes
from splatsr.simd.lanes import LANES
from splatsr.splatting.reference import NEGLIGIBLE
from splatsr.splatting.vector_code import add_colors, gather_moments


def _alpha(
    builder: ir.IRBuilder, dx: ir.Value, lean: ir.Value, reach: ir.Value, sharpness: ir.Value, row: ir.Value
) -> tuple[ir.Value, ir.Value]:
    """(exp(-q), 0 outside of the window, and s) of the lanes at x - c_x = dx, dx + 1, ...; they are at x - m = dx - lean,
    ..."""
    x = builder.fadd(lanes.broadcast(builder, dx), lanes.constant([float(lane) for lane in range(LANES)]))
    s = builder.fmul(builder.fsub(x, lanes.broadcast(builder, lean)), lanes.broadcast(builder, sharpness))
    z = lanes.call(builder, "fma", s, s, lanes.broadcast(builder, row))  # q / 8, as in vector_code
    alpha = lanes.exponential(builder, builder.fmul(lanes.constant(-8.0), z))
    in_window = builder.fcmp_ordered("<=", lanes.call(builder, "fabs", x), lanes.broadcast(builder, reach))
    inside = builder.and_(in_window, builder.fcmp_ordered("<=", z, lanes.constant(NEGLIGIBLE / 8)))
    return builder.select(inside, alpha, lanes.constant(0.0)), s


@intrinsic
@no_type_check
def add_windowed_lanes(
    typing: Any,
    image: Any,
    at: Any,
    colors: Any,
    color: Any,
    channels: Any,
    dx: Any,
    lean: Any,
    reach: Any,
    sharpness: Any,
    row: Any,
):
    """As `add_lanes`, for the lanes at x - c_x = dx, dx + 1, ..., of which those within `reach` get something.

    `lean` is m - c_x.
    """
    arguments = (image, types.int64, colors, types.int64, types.int64) + (types.float32,) * 5

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        image, at, colors, color, channels, *scalars = values
        alpha, _ = _alpha(builder, *scalars)
        image_pointer = lanes.pointer(context, builder, signature.args[0], image, at)
        color_pointer = lanes.pointer(context, builder, signature.args[2], colors, color)
        add_colors(builder, image_pointer, color_pointer, channels, alpha)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
@no_type_check
def gather_windowed_lanes(
    typing: Any,
    upstream: Any,
    at: Any,
    plane: Any,
    colors: Any,
    color: Any,
    channels: Any,
    sums: Any,
    dx: Any,
    lean: Any,
    reach: Any,
    sharpness: Any,
    row: Any,
    e: Any,
):
    """As `gather_lanes`, for the same lanes as `add_windowed_lanes`."""
    arguments = (upstream, types.int64, types.int64, colors, types.int64, types.int64, sums) + (types.float32,) * 6

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        upstream, at, plane, colors, color, channels, sums, *scalars, e = values
        alpha, s = _alpha(builder, *scalars)
        upstream_pointer = lanes.pointer(context, builder, signature.args[0], upstream, at)
        color_pointer = lanes.pointer(context, builder, signature.args[3], colors, color)
        sums_pointer = lanes.pointer(context, builder, signature.args[6], sums, context.get_constant(types.int64, 0))
        along_e = lanes.broadcast(builder, e)
        gather_moments(builder, upstream_pointer, plane, color_pointer, channels, sums_pointer, alpha, s, along_e)
        return context.get_dummy_value()

    return types.void(*arguments), codegen
