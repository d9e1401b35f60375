"""torch.compile for training: the network's parts are compiled, what happens between and after them is not."""

import os
import shutil
import sysconfig
from pathlib import Path

from torch import nn

from splatsr.errors import InputError

BACKENDS = ("inductor", "aot_eager", "eager")
"""What `compile` may be: inductor makes code; the other two only trace, and show whether a model can be compiled at all."""


def check_backend(backend: str | None) -> None:
    """InputError where `backend` is none of `BACKENDS` (or None), or needs a compiler that is not there."""
    if backend is not None and backend not in BACKENDS:
        raise InputError(f"compile must be null or one of {', '.join(BACKENDS)}; got {backend!r}.")
    if backend == "inductor" and (missing := missing_for_inductor()):
        raise InputError(f"compile=inductor needs {missing}; install it, or train with compile=null.")


def missing_for_inductor() -> str | None:
    """What this machine lacks for torch's inductor, in words; None where it lacks nothing."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++")):
        return "a C++ compiler (g++, clang++, or the one that CXX names)"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return "Python's C headers (python3-dev)"
    return None


def compile_parts(network: nn.Module, backend: str) -> None:
    """Compiles, when they are first called, those direct parts of `network` that have weights: encoder and heads.

    The network's own forward, the continuous image and its renderer stay as they are. Parts are compiled in place, so the
    names in the state dict do not change.
    """
    # Inductor would choose memory layouts by the first crops' size; crops of the next scale then fail in the backward pass.
    options = {"layout_optimization": False} if backend == "inductor" else None
    for part in network.children():
        if any(True for _ in part.parameters()):
            part.compile(backend=backend, options=options)
