"""The GPU kernels through Triton's real compiler, for a GPU that this machine need not have.

The interpreter of test_gpu.py takes types and shapes that the compiler refuses, and knows neither registers nor memory.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

triton = pytest.importorskip("triton", reason="Triton comes with torch's CUDA builds for Linux")


@pytest.mark.slow
@pytest.mark.skipif(
    not (Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas").exists(), reason="this Triton has no ptxas"
)
def test_compiles_without_spilling(tmp_path: Path) -> None:
    """64 registers leave room for half the threads of a multiprocessor; nothing goes to local or to shared memory."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)  # what was compiled earlier does not count
    script = Path(__file__).with_name("compile_kernels.py")
    run = subprocess.run([sys.executable, script, "90"], capture_output=True, text=True, env=environment, timeout=250)
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert {fact["kernel"] for fact in facts} == {"shape_kernels", "render_tile", "gather_gradients"}
    for fact in facts:
        assert fact["REG"] <= 64, fact
        assert fact["LOCAL"] == fact["STACK"] == fact["shared"] == 0, fact
