"""A model on test sets: PSNR and SSIM at any list of scales, with bicubic beside every figure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from splatsr.continuous_image import ContinuousImage
from splatsr.data.benchmark import Benchmark, Pair, TestSets
from splatsr.errors import InputError
from splatsr.geometry import Number, check_scale, resolve_output
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM
from splatsr.models.bicubic import Bicubic

Results = dict[str, dict[str, dict[str, float]]]
"""{set: {"x4": {"psnr_y": dB, "ssim_y": .., "bicubic_psnr_y": dB, "bicubic_ssim_y": .., "images": n}}}"""


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    sets: TestSets,
    scales: Sequence[Number],
    protocol: Protocol,
    *,
    progress: Callable[[Benchmark], Iterable[Pair]] = iter,
) -> Results:
    """Measures `model` (used in eval mode, on the device it is on) and bicubic on every set at every scale.

    Each LR image is encoded once. `progress` wraps the loop over images, for a progress bar.

    Raises:
        InputError: a scale is not a number of at least 1, or an image is too small.
    """
    check_scales(scales)
    keys = [(name, scale) for name in sets for scale in scales]
    methods = {"": model.eval(), "bicubic_": Bicubic()}
    metrics = {(*key, method): (PSNR(), SSIM()) for key in keys for method in methods}
    for pair in progress(Benchmark(sets, list(scales))):
        target = protocol.prepare(pair.hr, pair.scale)
        for method, network in methods.items():
            prediction = predict(network, pair)
            for metric in metrics[pair.set_name, pair.scale, method]:
                metric.update(protocol.prepare(prediction, pair.scale), target)
    results: Results = {name: {} for name in sets}
    for name, scale in keys:
        row = results[name][scale_name(scale)] = {}
        for method in methods:
            for label, metric in zip(("psnr", "ssim"), metrics[name, scale, method], strict=True):
                row[f"{method}{label}_{protocol.suffix}"] = metric.compute().item()
        row["images"] = len(sets[name])
    return results


def check_scales(scales: Any) -> None:
    """InputError unless there is a scale and all are numbers of at least 1."""
    if not isinstance(scales, Sequence) or isinstance(scales, str) or not scales:
        raise InputError(f"scales must be a list such as [2,3.3,4]; got {scales!r}.")
    for scale in scales:
        if check_scale(scale)[0] < 1:
            raise InputError(f"scales must be numbers of at least 1; got {scale}.")


def predict(model: nn.Module, pair: Pair) -> torch.Tensor:
    """The model's image (3, H, W) for one test pair, on the CPU, unclamped."""
    device: Any = next((parameter.device for parameter in model.parameters()), "cpu")
    image: ContinuousImage = model(pair.lr[None].to(device))
    size = pair.hr.shape[-2], pair.hr.shape[-1]
    nominal = resolve_output(image.size, scale=pair.scale).size == size  # not so by DIINN's sizes, nor in real zoom
    return (image.render(scale=pair.scale) if nominal else image.render(size=size))[0].cpu()


def scale_name(scale: Number) -> str:
    """x4, x3.3: how a scale is written in tables and keys."""
    return f"x{scale:g}"
