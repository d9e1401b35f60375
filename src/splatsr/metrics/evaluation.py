"""A model on test sets: any metrics at any list of scales, with bicubic beside every figure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from splatsr.data.evaluation_pairs import Benchmark, Pair, TestSets
from splatsr.errors import InputError
from splatsr.geometry import Number, check_scale, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.mean import MeanOverImages
from splatsr.metrics.protocol import Protocol
from splatsr.models.bicubic import Bicubic

Row = dict[str, float | None]
"""{"psnr_y": dB, "ssim_y": .., "bicubic_psnr_y": dB, ..., "images": n}; None: asked for and missing."""
Results = dict[str, dict[str, Row]]
"""{set: {"x4": row}}"""


class Evaluation(NamedTuple):
    """What `evaluate` found.

    `results` are the figures of whole sets; `images` those of every image, {set: {"x4": {file name: row}}}, without the
    metrics that only sets have (FID); `missing` {metric: why it was asked for and could not be computed}.
    """

    results: Results
    images: dict[str, dict[str, dict[str, Row]]]
    missing: dict[str, str]


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    sets: TestSets,
    scales: Sequence[Number],
    protocol: Protocol,
    *,
    metrics: Sequence[str] | None,
    progress: Callable[[Benchmark], Iterable[Pair]] = iter,
) -> Evaluation:
    """Measures `model` (used in eval mode, on the device it is on) and bicubic on every set at every scale.

    Each LR image is encoded once. `metrics` are names of `metrics.choice`; None: those of the protocol. `progress` wraps the
    loop over images, for a progress bar.

    Raises:
        InputError: a scale is not a number of at least 1, an image is too small, a metric is unknown, or the protocol needs LR
            files that are not there.
    """
    check_scales(scales)
    pairs = Benchmark(sets, list(scales), protocol.low_resolution)
    choice = choose_metrics(protocol.metrics if metrics is None else metrics, _device(model))
    lonely = [name for name, paths in sets.items() if len(paths) < 2]
    if "fid" in choice.make and lonely:
        raise InputError(f"fid compares sets of images; {', '.join(lonely)} has fewer than two. Leave it out of metrics.")
    methods = {"": model.eval(), "bicubic_": Bicubic()}
    keys = [(name, scale) for name in sets for scale in scales]
    meters = {(*key, method): {name: make() for name, make in choice.make.items()} for key in keys for method in methods}
    images = {name: {scale_name(scale): {} for scale in scales} for name in sets}
    for pair in progress(pairs):
        row = images[pair.set_name][scale_name(pair.scale)].setdefault(pair.path.name, {})
        target = protocol.cut(pair.hr, pair.scale)
        for method, network in methods.items():
            prediction = protocol.cut(predict(network, pair), pair.scale)
            for name, meter in meters[pair.set_name, pair.scale, method].items():
                seen = (prediction, target) if meter.sees_rgb else (protocol.channels(prediction), protocol.channels(target))
                if isinstance(meter, MeanOverImages):
                    row[method + metric_key(name, protocol)] = meter(*seen).item()
                else:
                    meter.update(*seen)
    results: Results = {name: {} for name in sets}
    for name, scale in keys:
        row = results[name][scale_name(scale)] = {}
        for method in methods:
            for metric, meter in meters[name, scale, method].items():
                row[method + metric_key(metric, protocol)] = meter.compute().item()
            row |= {method + metric_key(metric, protocol): None for metric in choice.missing}
        row["images"] = len(sets[name])
    return Evaluation(results, images, choice.missing)


def metric_key(metric: str, protocol: Protocol) -> str:
    """How a metric is called in results: psnr_y, ssim_rgb; lpips, dists and fid see RGB under every protocol."""
    return f"{metric}_{protocol.suffix}" if metric in ("psnr", "ssim") else metric


def check_scales(scales: Any) -> None:
    """InputError unless there is a scale and all are numbers of at least 1."""
    if not isinstance(scales, Sequence) or isinstance(scales, str) or not scales:
        raise InputError(f"scales must be a list such as [2,3.3,4]; got {scales!r}.")
    for scale in scales:
        if check_scale(scale)[0] < 1:
            raise InputError(f"scales must be numbers of at least 1; got {scale}.")


def predict(model: nn.Module, pair: Pair) -> torch.Tensor:
    """The model's image (3, H, W) for one test pair, on the CPU, unclamped."""
    image: ContinuousImage = model(pair.lr[None].to(_device(model)))
    size = pair.hr.shape[-2], pair.hr.shape[-1]
    nominal = resolve_output(image.size, scale=pair.scale).size == size  # not so by DIINN's sizes, nor in real zoom
    return (image.render(scale=pair.scale) if nominal else image.render(size=size))[0].cpu()


def scale_name(scale: Number) -> str:
    """x4, x3.3: how a scale is written in tables and keys."""
    return f"x{scale:g}"


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
