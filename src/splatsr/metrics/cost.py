"""What a model costs: time to encode and to render, multiply-adds, memory; the sums that the papers print.

The papers' "average time" AT (ContinuousSR, Table 1) is the mean over 45 scales, x4 to x48, of one small LR image that is
encoded once: AT = encode / 45 + the mean time to render. Here both parts are kept apart.
"""

import contextlib
import ctypes
import gc
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import psutil
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from splatsr.geometry import Number, resolve_output
from splatsr.image.continuous_image import ContinuousImage

LONG = 1000.0
"""Milliseconds from which a call is timed once, without a warm-up."""

_FIRST = (4, 8, 16, 32, 48)


@torch.inference_mode()
def average_time(
    model: nn.Module, lr_size: tuple[int, int], scales: Sequence[Number], *, repetitions: int, seconds: Number
) -> dict[str, object]:
    """Time to encode one random LR image and to render it at every scale, in milliseconds.

    Args:
        model: in eval mode, on the device to be measured.
        lr_size: (h, w) in pixels.
        scales: of which the mean is taken.
        repetitions: of which the median is taken, after a warm-up; calls of a second and more are timed once.
        seconds: budget of the rendering. Scales beyond it are interpolated by output pixels and not listed in `measured`.

    Returns:
        encode_ms, render_ms (mean over the scales), average_ms (AT), render_ms_at {scale: ms}, measured [scales].
    """
    lr = _random_image(model, lr_size)
    image = model(lr)
    image.render(scale=1)  # compiles what is compiled at first use
    encode = median_ms(lambda: model(lr), repetitions, lr.device)
    pixels = {scale: _pixels(lr_size, scale) for scale in scales}
    measured: dict[Number, float] = {}
    spent = 0.0
    for scale in [*(scale for scale in _FIRST if scale in scales), *(scale for scale in scales if scale not in _FIRST)]:
        expected = _at(pixels[scale], {pixels[known]: ms for known, ms in measured.items()}) if measured else 0.0
        if spent + expected / 1000 > seconds:
            continue
        start = time.perf_counter()
        measured[scale] = median_ms(lambda scale=scale: image.render(scale=scale), repetitions, lr.device)
        spent += time.perf_counter() - start
    known = {pixels[scale]: ms for scale, ms in measured.items()}
    at = {f"x{scale:g}": measured.get(scale, _at(pixels[scale], known)) for scale in scales}
    render = statistics.mean(at.values())
    return {
        "lr_size": list(lr_size),
        "encode_ms": encode,
        "render_ms": render,
        "average_ms": encode / len(scales) + render,
        "render_ms_at": at,
        "measured": [f"x{scale:g}" for scale in scales if scale in measured],
    }


@torch.inference_mode()
def one_scale(model: nn.Module, hr_side: int, scale: Number, *, repetitions: int) -> dict[str, object]:
    """One image of hr_side x hr_side pixels from its LR image, encoded and rendered: milliseconds and multiply-adds.

    The multiply-adds are those of convolutions and matrix products, as in the papers (their "FLOPs"); the splat is no matrix
    product and adds nothing to them (about 10 kernels reach a pixel, each some 20 operations).
    """
    side = round(hr_side / scale)
    lr = _random_image(model, (side, side))

    def enlarge() -> torch.Tensor:
        return model(lr).render(size=(hr_side, hr_side))

    milliseconds = median_ms(enlarge, repetitions, lr.device)
    return {"lr_size": [side, side], "hr_side": hr_side, "ms": milliseconds, "multiply_adds": _counted(model, enlarge)}


@torch.inference_mode()
def multiply_adds(model: nn.Module, lr_size: tuple[int, int]) -> float:
    """Those of encoding one LR image of (h, w) pixels: of convolutions and matrix products, as in the papers."""
    lr = _random_image(model, lr_size)
    return _counted(model, lambda: model(lr))


def _counted(model: nn.Module, call: Callable[[], object]) -> float:
    model.train(model.training)  # it forgets what it remembers between images, which is counted then
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # the fused kernel is not counted on CPUs
        call()
    return counter.get_total_flops() / 2


@torch.inference_mode()
def memory(model: nn.Module, lr_size: tuple[int, int], scales: Sequence[Number]) -> dict[str, object]:
    """Peak memory to encode and to render, in MB (1e6 bytes) beyond what was in use before the first image.

    On a GPU what torch's allocator held; on a CPU the resident memory of the process, looked at every millisecond.
    """
    lr = _random_image(model, lr_size)
    gc.collect()
    with Peak(lr.device) as encoding:
        image: ContinuousImage = model(lr)
    peaks = {}
    for scale in scales:
        with Peak(lr.device, base=encoding.base) as rendering:
            image.render(scale=scale)
        peaks[f"x{scale:g}"] = rendering.megabytes
    return {"lr_size": list(lr_size), "encode_mb": encoding.megabytes, "render_mb_at": peaks}


def median_ms(call: Callable[[], object], repetitions: int, device: torch.device) -> float:
    """Milliseconds of one call: the median after a warm-up, or the first call alone where that is long."""

    def once() -> float:
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return 1000 * (time.perf_counter() - start)

    first = once()
    return first if first >= LONG else statistics.median(once() for _ in range(repetitions))


class Peak:
    """A `with` block's peak memory: `megabytes` beyond `base` bytes, which are those in use at its start unless given."""

    def __init__(self, device: torch.device, base: int | None = None) -> None:
        self.device, self.base = device, base
        self._process, self._done = psutil.Process(), threading.Event()

    def __enter__(self) -> "Peak":
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            _give_back_freed_memory()
        self._highest = self._in_use()
        self.base = self._highest if self.base is None else self.base
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._watcher.join()
        self._highest = max(self._highest, self._in_use())
        self.megabytes = max(0, self._highest - self.base) / 1e6

    def _in_use(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else self._process.memory_info().rss

    def _watch(self) -> None:
        while not self._done.wait(0.001):
            self._highest = max(self._highest, self._in_use())


def _give_back_freed_memory() -> None:
    """Lets glibc return what has been freed to the system: used again, it would not show in the process's memory."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other C libraries
        ctypes.CDLL(None).malloc_trim(0)


def _random_image(model: nn.Module, lr_size: tuple[int, int]) -> torch.Tensor:
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    return torch.rand(1, 3, *lr_size, generator=torch.Generator().manual_seed(0)).to(device)


def _pixels(lr_size: tuple[int, int], scale: Number) -> int:
    height, width = resolve_output(lr_size, scale=scale).size
    return height * width


def _at(pixels: int, known: dict[int, float]) -> float:
    """Milliseconds at so many output pixels: linear between the neighbours that were measured, and beyond the last ones."""
    if len(known) == 1:
        ((measured, ms),) = known.items()
        return ms * pixels / measured
    places = sorted(known)
    right = min(max(sum(place < pixels for place in places), 1), len(places) - 1)
    low, high = places[right - 1], places[right]
    return max(known[low] + (known[high] - known[low]) * (pixels - low) / (high - low), 0.0)
