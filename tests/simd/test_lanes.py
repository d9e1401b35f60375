"""One intrinsic that uses the vector code, compiled and compared with numpy."""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from splatsr.simd import lanes
from splatsr.simd.lanes import LANES

COEFFICIENTS = [0.5, -2.0, 0.25, 1.5]


@intrinsic
def polynomial_of_row(typing, values, index, factor) -> tuple:  # noqa: ARG001 - numba's calling convention
    """Row `index` of sixteen values: (c_0 + c_1 x + ..) times a scalar, plus the lane's index, in place."""

    def codegen(context, builder, signature, arguments) -> object:
        array, index, factor = arguments
        base = lanes.pointer(context, builder, signature.args[0], array, context.get_constant(types.int64, 0))
        address = lanes.row(builder, base, index)
        total = lanes.Register(builder, lanes.polynomial(builder, lanes.load(builder, address), COEFFICIENTS))
        total.value = builder.fmul(total.value, lanes.broadcast(builder, factor))
        total.value = builder.fadd(total.value, lanes.constant([float(lane) for lane in range(LANES)]))
        lanes.store(builder, total.value, address)
        return context.get_dummy_value()

    return types.void(values, types.int64, types.float32), codegen


@njit
def run(values, index, factor) -> None:
    polynomial_of_row(values, index, factor)


def test_a_row_of_lanes_is_computed_and_the_others_stay() -> None:
    values = np.linspace(-2, 2, 3 * LANES).astype(np.float32)
    expected = values.reshape(3, LANES).astype(np.float64)
    expected[1] = 3 * np.polynomial.polynomial.polyval(expected[1], COEFFICIENTS) + np.arange(LANES)
    run(values, 1, np.float32(3))
    np.testing.assert_allclose(values.reshape(3, LANES), expected, atol=1e-5)


@intrinsic
def exponential_of_row(typing, values) -> tuple:  # noqa: ARG001
    """The first sixteen values become their exponentials; on the way they lie in a room of two rows."""

    def codegen(context, builder, signature, arguments) -> object:
        base = lanes.pointer(context, builder, signature.args[0], arguments[0], context.get_constant(types.int64, 0))
        room = lanes.space(builder, 2)
        lanes.store(builder, lanes.load(builder, base), lanes.row(builder, room, context.get_constant(types.int64, 1)))
        x = lanes.load(builder, lanes.row(builder, room, context.get_constant(types.int64, 1)))
        lanes.store(builder, lanes.exponential(builder, x), base)
        return context.get_dummy_value()

    return types.void(values), codegen


@njit
def run_exponential(values) -> None:
    exponential_of_row(values)


def test_the_exponential_is_right_to_float32_rounding() -> None:
    for start in np.linspace(-87, 87, 400):
        x = np.float32(start) + np.linspace(0, 1, LANES).astype(np.float32)
        values = x.copy()
        run_exponential(values)
        np.testing.assert_allclose(values, np.exp(x.astype(np.float64)), rtol=2.5e-7)
