"""A model on test sets: any metrics at any list of scales, with bicubic beside every figure."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics import Metric

from splatsr.checkpoints.choice import device_of
from splatsr.data.evaluation_pairs import EvaluationImage, EvaluationPairs, EvaluationSets, Pair
from splatsr.errors import InputError
from splatsr.geometry import Number, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.image.finite import check_image, check_rendered
from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure, ImageFigure, scale_name
from splatsr.metrics.mean import MeanOverImages
from splatsr.metrics.names import NamedMetric
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
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Evaluation:
    """Measures `model` (used in eval mode, on the device it is on) and bicubic on every set at every scale.

    Every pair's LR image is encoded once. `metrics` are those of `metrics.names`, by what they are requested as; None: those of
    the protocol. `progress` wraps the loop over the pairs' indices, for a progress bar.

    An image that cannot be read, or is too small to be measured at a scale, is left out there for every metric and method.

    Raises:
        InputError: a scale is not a number of at least 1, a metric is unknown, or the protocol needs LR
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
    image_figures: list[ImageFigure] = []
    failures: list[str] = []
    measured = Counter((set_name, scale) for set_name, _, scale in pairs.items)
    for index in progress(range(len(pairs))):
        set_name, image, scale = pairs.items[index]
        try:
            pair = pairs[index]
            target = protocol.cut(pair.hr, scale)
            _check_smallest(target, [meter for _, meter in meters[set_name, scale, MODEL]])
        except InputError as error:
            failures.append(f"{image.name} of {set_name} is left out at {scale_name(scale)}: {error}")
            measured[set_name, scale] -= 1
            continue
        for method, network in methods.items():
            prediction = protocol.cut(predict(network, pair), scale)
            for metric, meter in meters[set_name, scale, method]:
                compared = [image if metric.sees_rgb else protocol.channels(image) for image in (prediction, target)]
                if isinstance(meter, MeanOverImages):
                    value = meter(*compared).item()
                    image_figures.append(ImageFigure(set_name, float(scale), metric.name, method, value, pair.name))
                else:
                    meter.update(*compared)
    figures = [
        _set_figure(set_name, scale, metric, method, meter, measured[set_name, scale])
        for (set_name, scale, method), named in meters.items()
        for metric, meter in named
    ]
    images = {name: [image.name for image in images] for name, images in sets.items()}
    return Evaluation(figures, image_figures, images, [float(scale) for scale in scales], choice.missing, failures)


def _set_figure(set_name: str, scale: Number, metric: NamedMetric, method: str, meter: Metric, images: int) -> Figure:
    """Of a set of which so many images were measured; nan where those are too few."""
    enough = images > (0 if isinstance(meter, MeanOverImages) else 1)
    value = meter.compute().item() if enough else math.nan
    infinite = int(meter.infinite) if isinstance(meter, MeanOverImages) else 0
    return Figure(set_name, float(scale), metric.name, method, value, images, infinite)


def _check_smallest(target: Tensor, meters: Sequence[Metric]) -> None:
    """InputError where what is left of an image is too small for one of the metrics."""
    needed = max((meter.smallest for meter in meters if isinstance(meter, MeanOverImages)), default=1)
    height, width = target.shape[-2:]
    if min(height, width) < needed:
        raise InputError(
            f"{width}x{height} pixels are left to compare, and a metric needs {needed}x{needed}; choose others (metrics)."
        )


def check_scales(scales: Any) -> None:
    """InputError unless there is a scale and all are numbers of at least 1."""
    if not isinstance(scales, Sequence) or isinstance(scales, str) or not scales:
        raise InputError(f"scales must be a list such as [2,3.3,4]; got {scales!r}.")
    for scale in scales:
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 1 <= scale < math.inf:
            raise InputError(f"scales must be numbers of at least 1; got {scale}.")


def check_sizes(sets: EvaluationSets, scales: Sequence[Number], protocol: Protocol, *, every: bool) -> None:
    """InputError where test images cannot be measured at one of the scales; no image is decoded.

    `every`: a single one is enough; otherwise only where it is a whole set's every image (`evaluate` leaves out the others).
    """
    for images in sets.values():
        for scale in scales:
            refusals = [refusal for image in images if (refusal := _refusal(image, scale, protocol))]
            if refusals and (every or len(refusals) == len(images)):
                raise InputError(refusals[0])


def _refusal(image: EvaluationImage, scale: Number, protocol: Protocol) -> str:
    """Why the image cannot be measured, as far as its header says; empty where nothing speaks against it."""
    try:
        if (size := image.hr_size(scale, protocol.low_resolution)) is not None:
            protocol.check_size(size, scale)
    except InputError as error:
        return str(error)
    return ""


def predict(model: nn.Module, pair: Pair) -> Float[Tensor, "3 height width"]:
    """The model's image for one test pair, RGB, of the HR image's size, on the CPU, unclamped.

    Raises:
        InputError: something in it is not finite; the model is named.
    """
    image: ContinuousImage = model(pair.lr[None].to(device_of(model)))
    check_image(image, model)
    size = pair.hr.shape[-2], pair.hr.shape[-1]
    nominal = resolve_output(image.size, scale=pair.scale).size == size  # not so by DIINN's sizes, nor in real zoom
    rendered = (image.render(scale=pair.scale) if nominal else image.render(size=size))[0].cpu()
    check_rendered(rendered, model)
    return rendered
