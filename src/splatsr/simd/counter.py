"""A counter that compiled threads share."""

from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from splatsr.simd import lanes


@intrinsic
@no_type_check
def take(typing: Any, counter: Any):
    """The value of an array of one int64, which grows by one: no two threads get the same."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        address = lanes.pointer(context, builder, signature.args[0], values[0], context.get_constant(types.int64, 0))
        whole = builder.bitcast(address, ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", whole, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), codegen
