"""Which renderer draws: the first of this machine's that is right, or the one that was asked for.

On a CUDA device that is Triton's; where it fails its self-test, gsplat's; where that does too, or is not installed, the
processor's, to which fields are copied. Tensors that are not on a CUDA device are always the processor's. (All in float32: what
is in float64 takes the reference.)
"""

import logging
from collections.abc import Iterable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from torch import Tensor

from splatsr.devices import RENDERERS
from splatsr.errors import InputError
from splatsr.splatting.reference import splat_exact, splat_windowed_exact
from splatsr.splatting.self_test import Renderer, fault

log = logging.getLogger(__name__)

ON_CUDA = ("triton", "gsplat")
"""Renderers of CUDA tensors, the preferred one first. Each is a package too."""


class Choice(NamedTuple):
    """A renderer's name, and what is wrong with those that would have come before it (empty: nothing)."""

    name: str
    faults: dict[str, str]


_asked = "auto"
_chosen: dict[int, Choice] = {}  # by the CUDA device's index; tested once a process


def use_renderer(name: str) -> None:
    """Lets this process draw with "triton", "gsplat", "cpu" or "reference" (slow, B * N * H * W of memory); "auto" chooses.

    The first two are for CUDA tensors; others are drawn by the processor all the same.

    Raises:
        InputError: it is none of them, there is no CUDA device for it, or its package is not installed.
    """
    global _asked
    if name not in RENDERERS:
        raise InputError(f"renderer must be {', '.join(RENDERERS[:-1])} or {RENDERERS[-1]}; got {name!r}.")
    if name in ON_CUDA and not torch.cuda.is_available():
        raise InputError(f"renderer={name} needs a CUDA device, and torch sees none here; use renderer=auto.")
    if name in ON_CUDA and not is_installed(name):
        raise InputError(f"renderer={name} needs the package {name}, which is not installed; use renderer=auto.")
    if name != _asked:
        _asked = name
        _chosen.clear()


def chosen_renderer(device: torch.device) -> Choice:
    """The renderer of float32 tensors on that device. The first call for a CUDA device tests it there.

    Not while a CUDA graph is captured or torch.compile traces, where nothing may wait for the device: the preferred
    renderer is taken untested then.

    Raises:
        InputError: the renderer that was asked for (`use_renderer`) is wrong on this machine.
    """
    if _asked in ("cpu", "reference"):
        return Choice(_asked, {})
    if device.type != "cuda":
        return Choice("cpu", {})
    index = torch.cuda.current_device() if device.index is None else device.index
    if index not in _chosen:
        if torch.compiler.is_compiling() or torch.cuda.is_current_stream_capturing():
            return Choice("triton" if _asked == "auto" else _asked, {})
        with torch.cuda.device(index):
            _chosen[index] = _choose(device)
    return _chosen[index]


def check_asked(device: torch.device) -> None:
    """Tests the renderer that `use_renderer` was given by name, on that device, before work that would be in vain.

    Nothing to do with "auto", which refuses nothing.

    Raises:
        InputError: it is wrong on this machine.
    """
    if _asked in ON_CUDA:
        chosen_renderer(device)


def draw(
    name: str,
    means: Tensor,
    cholesky: Tensor,
    colors: Tensor,
    size: tuple[int, int],
    reach: tuple[float, float] | None = None,
) -> Tensor:
    """The image of `splat`, or with a `reach` that of `splat_windowed`, by the renderer of that name.

    Windows are nothing that gsplat knows: the processor takes its place.
    """
    if name == "reference":
        exact = splat_exact if reach is None else partial(splat_windowed_exact, reach=reach)
        return exact(means, cholesky, colors, size)
    if name == "cpu" or (name == "gsplat" and reach is not None):
        from splatsr.splatting.cpu import splat_cpu  # numba: half a second that only rendering pays

        return splat_cpu(means.cpu(), cholesky.cpu(), colors.cpu(), size, reach).to(means.device)
    renderer = _on_cuda(name)
    return renderer(means, cholesky, colors, size) if reach is None else renderer(means, cholesky, colors, size, reach)


def is_installed(name: str) -> bool:
    """Whether the package of a renderer of `ON_CUDA` is there. (Triton comes with torch's CUDA builds for Linux.)"""
    return find_spec(name) is not None


def _choose(device: torch.device) -> Choice:
    if _asked == "auto":
        return first_right(filter(is_installed, ON_CUDA), device)
    if (wrong := _fault(_asked, device)) is not None:
        raise InputError(f"renderer={_asked} fails its test on {device}: {wrong}; use renderer=auto.")
    return Choice(_asked, {})


def first_right(names: Iterable[str], device: torch.device) -> Choice:
    """The first of the renderers that equals the reference on the device, else "cpu"; one warning says what was wrong."""
    faults: dict[str, str] = {}
    found = "cpu"
    for name in names:
        if (wrong := _fault(name, device)) is None:
            found = name
            break
        faults[name] = wrong
    if faults:
        log.warning(
            "%s: renderer=%s draws instead%s", "; ".join(f"the {name} renderer fails its test on {device} ({wrong})"
            for name, wrong in faults.items()), found, ", on the processor" if found == "cpu" else "",
        )  # fmt: skip
    return Choice(found, faults)


def _fault(name: str, device: torch.device) -> str | None:
    if name == "gsplat":
        log.info("gsplat compiles its CUDA code when it is first used on a machine, which takes minutes")
        return fault(_gsplat_in_words, device, windows=False)
    return fault(lambda *field, **window: _on_cuda(name)(*field, **window), device, windows=True)


def _gsplat_in_words(*field: Any) -> Tensor:
    """Draws; errors say what is missing (gsplat's own: "'NoneType' object has no attribute ...")."""
    try:
        return _on_cuda("gsplat")(*field)
    except Exception as error:
        raise RuntimeError(
            "gsplat's CUDA code could not be compiled, loaded or run (it needs nvcc and a C++ compiler); "
            f"{type(error).__name__}: {error}"
        ) from error


def _on_cuda(name: str) -> Renderer:
    if name == "gsplat":
        from splatsr.splatting.gsplat_sum import splat_gsplat

        return splat_gsplat
    from splatsr.splatting.gpu import splat_gpu  # imports Triton, which other machines may lack

    return splat_gpu
