"""LLVM vector code for numba's intrinsics: sixteen float32 lanes at a time, split by LLVM to whatever the processor has."""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numpy.polynomial import chebyshev
from numpy.polynomial import polynomial as power_series

LANES = 16
VECTOR = ir.VectorType(ir.FloatType(), LANES)
INTEGERS = ir.VectorType(ir.IntType(32), LANES)
_LONG = ir.IntType(64)

_LN2_HIGH = 355 / 512  # few enough bits that a whole number times it is exact
_LN2_LOW = math.log(2) - _LN2_HIGH
_NEAR_ONE = chebyshev.Chebyshev.interpolate(np.exp, deg=6, domain=[-math.log(2) / 2, math.log(2) / 2])
_EXPONENTIAL = list(_NEAR_ONE.convert(kind=power_series.Polynomial).coef)


def constant(values: float | list[float]) -> ir.Constant:
    """One value for all lanes, or one for each."""
    by_lane = values if isinstance(values, list) else [values] * LANES
    return ir.Constant(VECTOR, [float(np.float32(value)) for value in by_lane])


def integers(value: int) -> ir.Constant:
    """A 32-bit integer for all lanes."""
    return ir.Constant(INTEGERS, [value] * LANES)


def broadcast(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """A scalar for all lanes."""
    first = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, ir.Constant(VECTOR, ir.Undefined), integers(0))


def pointer(context: Any, builder: ir.IRBuilder, array_type: Any, array: ir.Value, index: ir.Value) -> ir.Value:
    """To the index-th float of a numba array."""
    data = context.make_array(array_type)(context, builder, array).data
    return offset(builder, data, index)


def offset(builder: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
    """Pointer to the index-th float from `base` on."""
    return builder.gep(base, [index], source_etype=ir.FloatType())


def row(builder: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
    """Pointer to the index-th sixteen floats from `base` on."""
    return offset(builder, base, builder.mul(index, ir.Constant(_LONG, LANES)))


def scalar(builder: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
    """The index-th float from `base` on."""
    return builder.load(offset(builder, base, index), typ=ir.FloatType())


def load(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    """Sixteen floats from anywhere in memory."""
    return builder.load(builder.bitcast(address, VECTOR.as_pointer()), align=4, typ=VECTOR)


def store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value) -> None:
    """Sixteen floats to anywhere in memory."""
    builder.store(value, builder.bitcast(address, VECTOR.as_pointer()), align=4)


class Register:
    """Sixteen lanes that a loop changes: assign to `value`. LLVM keeps them in a register of the processor."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self._builder, self._address = builder, cgutils.alloca_once_value(builder, value)

    @property
    def value(self) -> ir.Value:
        return self._builder.load(self._address, typ=VECTOR)

    @value.setter
    def value(self, value: ir.Value) -> None:
        self._builder.store(value, self._address)


def call(builder: ir.IRBuilder, name: str, *vectors: ir.Value) -> ir.Value:
    """LLVM's intrinsic of that name, lane by lane: fma (rounded once; llvmlite's own takes scalars only), sqrt, maxnum, ..."""
    function_type = ir.FunctionType(VECTOR, (VECTOR,) * len(vectors))
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.v{LANES}f32"), vectors)


def polynomial(builder: ir.IRBuilder, x: ir.Value, coefficients: list[float]) -> ir.Value:
    """Coefficients from the lowest power on (Horner's rule)."""
    power = constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        power = call(builder, "fma", power, x, constant(coefficient))
    return power


def exponential(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """exp(x) to float32 rounding for -87 <= x <= 88, else anything: 2^n exp(r) with |r| <= ln 2 / 2."""
    whole = call(builder, "rint", builder.fmul(x, constant(1 / math.log(2))))
    rest = call(builder, "fma", whole, constant(-_LN2_HIGH), x)
    rest = call(builder, "fma", whole, constant(-_LN2_LOW), rest)
    # Estrin's scheme instead of Horner's: a shorter chain of products that wait for each other.
    square, c = builder.fmul(rest, rest), _EXPONENTIAL
    pairs = [call(builder, "fma", rest, constant(c[i + 1]), constant(c[i])) for i in (0, 2, 4)]
    high = call(builder, "fma", square, call(builder, "fma", square, constant(c[6]), pairs[2]), pairs[1])
    power = call(builder, "fma", square, high, pairs[0])
    exponent = builder.shl(builder.fptosi(whole, INTEGERS), integers(23))
    return builder.bitcast(builder.add(builder.bitcast(power, INTEGERS), exponent), VECTOR)


def space(builder: ir.IRBuilder, count: int) -> ir.Value:
    """Room for `count` times sixteen floats on the stack, in the function's first block: pointer to the first."""
    with builder.goto_entry_block():
        room = builder.alloca(VECTOR, count)
        room.align = 64
    return builder.bitcast(room, ir.FloatType().as_pointer())
