"""A model on test sets: any metrics at any list of scales, with bicubic beside every figure."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.checkpoints.choice import device_of
from splatsr.data.evaluation_pairs import EvaluationPairs, EvaluationSets, Pair
from splatsr.errors import InputError
from splatsr.geometry import Number, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure, ImageFigure
from splatsr.metrics.mean import MeanOverImages
from splatsr.metrics.protocol import Protocol
from splatsr.models.bicubic import Bicubic


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    sets: EvaluationSets,
    scales: Sequence[Number],
    protocol: Protocol,
    *,
    metrics: Sequence[str] | None,
    progress: Callable[[EvaluationPairs], Iterable[Pair]] = iter,
) -> Evaluation:
    """Measures `model` (used in eval mode, on the device it is on) and bicubic on every set at every scale.

    Every pair's LR image is encoded once. `metrics` are those of `metrics.names`, by what they are requested as; None: those of
    the protocol. `progress` wraps the loop over images, for a progress bar.

    Raises:
        InputError: a scale is not a number of at least 1, an image is too small, a metric is unknown, or the protocol needs LR
            files that are not there.
    """
    check_scales(scales)
    pairs = EvaluationPairs(sets, list(scales), protocol.low_resolution)
    choice = choose_metrics(protocol.metrics if metrics is None else metrics, device_of(model))
    too_small = [name for name, images in sets.items() if len(images) < 2]
    if "fid" in choice.make and too_small:
        raise InputError(f"fid compares sets of images; {', '.join(too_small)} has fewer than two. Leave it out of metrics.")
    methods = {MODEL: model.eval(), BICUBIC: Bicubic()}
    meters = {
        (set_name, scale, method): [(protocol.metric(requested), make()) for requested, make in choice.make.items()]
        for set_name in sets
        for scale in scales
        for method in methods
    }
    image_figures = []
    for pair in progress(pairs):
        target = protocol.cut(pair.hr, pair.scale)
        for method, network in methods.items():
            prediction = protocol.cut(predict(network, pair), pair.scale)
            for metric, meter in meters[pair.set_name, pair.scale, method]:
                compared = [image if metric.sees_rgb else protocol.channels(image) for image in (prediction, target)]
                if isinstance(meter, MeanOverImages):
                    value = meter(*compared).item()
                    image_figures.append(
                        ImageFigure(pair.set_name, float(pair.scale), metric.name, method, value, pair.path.name)
                    )
                else:
                    meter.update(*compared)
    figures = [
        Figure(set_name, float(scale), metric.name, method, meter.compute().item(), len(sets[set_name]))
        for (set_name, scale, method), measured in meters.items()
        for metric, meter in measured
    ]
    images = {name: [image.path.name for image in images] for name, images in sets.items()}
    return Evaluation(figures, image_figures, images, [float(scale) for scale in scales], choice.missing)


def check_scales(scales: Any) -> None:
    """InputError unless there is a scale and all are numbers of at least 1."""
    if not isinstance(scales, Sequence) or isinstance(scales, str) or not scales:
        raise InputError(f"scales must be a list such as [2,3.3,4]; got {scales!r}.")
    for scale in scales:
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 1 <= scale < math.inf:
            raise InputError(f"scales must be numbers of at least 1; got {scale}.")


def check_sizes(sets: EvaluationSets, scales: Sequence[Number], protocol: Protocol) -> None:
    """InputError where a test image is too small to be measured at one of the scales; no image is decoded."""
    for images in sets.values():
        for image in images:
            for scale in scales:
                if (size := image.hr_size(scale, protocol.low_resolution)) is not None:
                    protocol.check_size(size, scale)


def predict(model: nn.Module, pair: Pair) -> Float[Tensor, "3 height width"]:
    """The model's image for one test pair, RGB, of the HR image's size, on the CPU, unclamped."""
    image: ContinuousImage = model(pair.lr[None].to(device_of(model)))
    size = pair.hr.shape[-2], pair.hr.shape[-1]
    nominal = resolve_output(image.size, scale=pair.scale).size == size  # not so by DIINN's sizes, nor in real zoom
    return (image.render(scale=pair.scale) if nominal else image.render(size=size))[0].cpu()
