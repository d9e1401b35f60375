"""What a model costs: time to encode and to render, multiply-adds, memory; the sums that the papers print.

The papers' "average time" AT (ContinuousSR, Table 1) is the mean over 45 scales, x4 to x48, of one small LR image that is
encoded once: AT = encode / 45 + the mean time to render. Here both parts are measured by themselves.
"""

import functools
import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from splatsr.checkpoints.choice import device_of
from splatsr.geometry import Number, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.metrics.model_cost import AverageTimeCost, MemoryCost, OneScaleCost
from splatsr.metrics.peak import Peak

LONG = 1000.0
"""Milliseconds from which a call is timed once, without a warm-up."""

_FIRST = (4, 8, 16, 32, 48)
"""Scales that are measured before the others, so that little has to be interpolated far."""


@torch.inference_mode()
def average_time(
    model: nn.Module, lr_size: tuple[int, int], scales: Sequence[Number], *, repetitions: int, seconds: Number
) -> AverageTimeCost:
    """Time to encode one random LR image and to render it at every scale, as if it had not been rendered at that scale before.

    Images that predict or sum up something for an output (GSASR, SRNO) remember it for the strips of one output, the last.

    Args:
        model: in eval mode, on the device to be measured.
        lr_size: (h, w) in pixels.
        scales: of which the mean is taken.
        repetitions: of which the median is taken, after a warm-up; calls of a second and more are timed once.
        seconds: budget of the rendering. Scales beyond it are interpolated by output pixels and are not among `measured`.
    """
    lr = _random_image(model, lr_size)
    image = model(lr)
    image.render(scale=1)  # compiles what is compiled at first use
    encode = median_ms(lambda: model(lr), repetitions, lr.device)
    pixels = {scale: _pixels(lr_size, scale) for scale in scales}
    measured: dict[Number, float] = {}
    elapsed = 0.0
    for scale in [*(scale for scale in _FIRST if scale in scales), *(scale for scale in scales if scale not in _FIRST)]:
        expected = _interpolate(pixels[scale], {pixels[one]: ms for one, ms in measured.items()}) if measured else 0.0
        if elapsed + expected / 1000 > seconds:
            continue
        start = time.perf_counter()
        render = functools.partial(image.render, scale=scale)
        measured[scale] = median_ms(render, repetitions, lr.device, before=lambda: image.render(scale=1))
        elapsed += time.perf_counter() - start
    known = {pixels[scale]: ms for scale, ms in measured.items()}
    times = {scale: measured.get(scale, _interpolate(pixels[scale], known)) for scale in scales}
    return AverageTimeCost(lr_size, encode, times, [scale for scale in scales if scale in measured])


@torch.inference_mode()
def one_scale(model: nn.Module, hr_side: int, scale: Number, *, repetitions: int) -> OneScaleCost:
    """One image of hr_side x hr_side pixels from its LR image, encoded and rendered: time and multiply-adds.

    The multiply-adds are those of convolutions and matrix products, as in the papers (their "FLOPs"); the splat is no matrix
    product and adds nothing to them (about 10 kernels reach a pixel, each some 20 operations).
    """
    side = round(hr_side / scale)
    lr = _random_image(model, (side, side))

    def enlarge() -> torch.Tensor:
        return model(lr).render(size=(hr_side, hr_side))

    milliseconds = median_ms(enlarge, repetitions, lr.device)
    return OneScaleCost(scale, (side, side), hr_side, milliseconds, _counted(model, enlarge))


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
def memory(model: nn.Module, lr_size: tuple[int, int], scales: Sequence[Number]) -> MemoryCost:
    """Peak memory to encode an LR image of (h, w) pixels and to render it, beyond what was in use before it; see `Peak`."""
    lr = _random_image(model, lr_size)
    gc.collect()
    with Peak(lr.device) as encoding:
        image: ContinuousImage = model(lr)
    peaks = {}
    for scale in scales:
        with Peak(lr.device, base=encoding.base) as rendering:
            image.render(scale=scale)
        peaks[scale] = rendering.megabytes
    return MemoryCost(lr_size, encoding.megabytes, peaks)


def median_ms(
    call: Callable[[], object], repetitions: int, device: torch.device, before: Callable[[], object] = lambda: None
) -> float:
    """Milliseconds of one call: the median after a warm-up, or the first call alone where that is long.

    `before` is called before each, and not timed.
    """

    def once() -> float:
        before()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        return 1000 * (time.perf_counter() - start)

    first = once()
    return first if first >= LONG else statistics.median(once() for _ in range(repetitions))


def _random_image(model: nn.Module, lr_size: tuple[int, int]) -> torch.Tensor:
    return torch.rand(1, 3, *lr_size, generator=torch.Generator().manual_seed(0)).to(device_of(model))


def _pixels(lr_size: tuple[int, int], scale: Number) -> int:
    height, width = resolve_output(lr_size, scale=scale).size
    return height * width


def _interpolate(pixels: int, known: Mapping[int, float]) -> float:
    """Milliseconds at so many output pixels: linear between the neighbours that were measured, and beyond the last ones."""
    if len(known) == 1:
        ((measured, ms),) = known.items()
        return ms * pixels / measured
    counts = sorted(known)
    right = min(max(sum(count < pixels for count in counts), 1), len(counts) - 1)
    low, high = counts[right - 1], counts[right]
    return max(known[low] + (known[high] - known[low]) * (pixels - low) / (high - low), 0.0)
