"""Compiles the GPU kernels for a CUDA device that need not be there, and prints what they use as JSON. For test_kernels.py.

python compile_kernels.py 90        # compute capability 9.0
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from splatsr.splatting import gpu, kernels

TOOL = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"

INTEGERS = {"kernels", "slots", "chunks", "channels", "height", "width"}

FLOATS = {"reach_y", "reach_x"}

CASES = [
    (kernel, {**constants, "WINDOWED": windowed}, warps)
    for windowed in (False, True)
    for kernel, constants, warps in (
        (kernels.shape_kernels, {"BLOCK": gpu.BLOCK}, gpu.BLOCK_WARPS),
        (kernels.render_tile, {"TILE": gpu.TILE, "GROUP": 3}, gpu.WARPS),
        (kernels.render_tile, {"TILE": gpu.TILE, "GROUP": 4}, gpu.WARPS),
        (kernels.gather_gradients, {"LANES": gpu.LANES, "GROUP": 3}, gpu.WARPS),
        (kernels.gather_gradients, {"LANES": gpu.LANES, "GROUP": 4}, gpu.WARPS),
    )
]
"""Kernel, its constants, warps: as gpu.py launches them."""


def kind(name: str, constants: dict[str, int]) -> str:
    """The type of an argument, as Triton writes it."""
    if name in constants:
        return "constexpr"
    if name in INTEGERS:
        return "i32"
    if name in FLOATS:
        return "fp32"
    return "*i32" if name == "keys" else "*fp32"


def usage(code: bytes) -> dict[str, int]:
    """Registers (REG), bytes of LOCAL memory and so on, as NVIDIA's tool reads them from a compiled kernel."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(code)
        text = subprocess.run([TOOL, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    pairs = [word.split(":", 1) for word in text.split() if ":" in word]
    return {name: int(value) for name, value in pairs if value.isdigit()}


def main() -> None:
    facts = []
    for function, constants, warps in CASES:
        signature = {name: kind(name, constants) for name in function.arg_names}
        source = ASTSource(function, signature, constexprs=constants)
        target = GPUTarget("cuda", int(sys.argv[1]), 32)
        compiled = triton.compile(source, target=target, options={"num_warps": warps})
        facts.append({"kernel": function.__name__, "shared": compiled.metadata.shared} | usage(compiled.asm["cubin"]))
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
