"""Figures as records: one measured number, with everything that says what it is the number of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from splatsr.geometry import Number

MODEL, BICUBIC = METHODS = ("model", "bicubic")
"""What enlarged the image: the evaluated model, or PIL's bicubic, which stands beside every figure."""


class Figure(NamedTuple):
    """A metric over a whole test set.

    Attributes:
        set_name: the test set.
        scale: HR pixels per LR pixel, along either axis.
        metric: a name of `metrics.names`, such as psnr_y.
        method: MODEL or BICUBIC.
        value: in the metric's unit: the mean over the images, for FID the distance between the sets.
        images: how many images could be measured.
        infinite: how many of them have an infinite figure, and are left out of the mean.
    """

    set_name: str
    scale: float
    metric: str
    method: str
    value: float
    images: int
    infinite: int = 0


class ImageFigure(NamedTuple):
    """A metric of one image: as `Figure`, with the HR image's name in place of the number of images."""

    set_name: str
    scale: float
    metric: str
    method: str
    value: float
    image: str


class Evaluation(NamedTuple):
    """What an evaluation measured.

    Attributes:
        figures: of whole sets; sets, scales, methods and metrics in the order in which they were asked for.
        image_figures: of every image, in the order of measurement; FID, which only sets have, is not among them.
        images: names of the images of every set.
        scales: all of them, also where no metric could be computed.
        missing: {metric: why it was asked for and could not be computed}.
        failures: a line for every image that could not be measured at a scale; no figure is of it.
    """

    figures: Sequence[Figure]
    image_figures: Sequence[ImageFigure]
    images: Mapping[str, Sequence[str]]
    scales: Sequence[float]
    missing: Mapping[str, str]
    failures: Sequence[str] = ()


def select(
    figures: Iterable[Figure],
    *,
    set_name: str | None = None,
    scale: Number | None = None,
    metric: str | Sequence[str] | None = None,
    method: str | None = None,
) -> list[Figure]:
    """The figures with these values, in their order; None: whatever it is. `metric` may be several names."""
    names = (metric,) if isinstance(metric, str) else metric
    return [
        figure
        for figure in figures
        if (set_name is None or figure.set_name == set_name)
        and (scale is None or figure.scale == scale)
        and (names is None or figure.metric in names)
        and (method is None or figure.method == method)
    ]


def scale_name(scale: Number) -> str:
    """x4, x3.3: how a scale is written in tables, file names and keys."""
    return f"x{scale:g}"


def nearest_scale(scales: Iterable[Number], wanted: Number) -> Number:
    """The scale that is nearest to `wanted`, of two the first."""
    return min(scales, key=lambda scale: abs(scale - wanted))
