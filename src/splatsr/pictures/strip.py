"""One picture that shows what models did to one image: LR, bicubic, models, HR, the error, and where the kernels sit."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from torch import nn

from splatsr.checkpoints.choice import device_of
from splatsr.data.evaluation_pairs import Pair
from splatsr.image.field import GaussianField
from splatsr.image.psnr import psnr
from splatsr.image_files.one_line import one_line
from splatsr.metrics.evaluation import predict
from splatsr.metrics.figure import BICUBIC, scale_name
from splatsr.metrics.protocol import Protocol
from splatsr.models.bicubic import Bicubic
from splatsr.pictures.drawing import as_label, save_drawing
from splatsr.resize.levels import to_uint8

CROP = 96
"""Side of the enlarged detail, in HR pixels."""


ERROR = 0.2
"""Absolute error, of images in [0, 1], that the error panel shows brightest."""


def draw_strip(models: Mapping[str, nn.Module], pair: Pair, protocol: Protocol, path: Path) -> None:
    """Writes a PNG: the whole HR image with the detail marked, then the detail of LR, bicubic, every named model and HR, with
    PSNR; the first model's error; and its kernels where it has any."""
    side = min(CROP, *pair.hr.shape[-2:])
    top, left = _busiest(pair, side)
    window = (slice(top, top + side), slice(left, left + side))
    predictions = {name: predict(model, pair) for name, model in {BICUBIC: Bicubic(), **models}.items()}
    target = protocol.prepare(pair.hr, pair.scale)
    kind = "Y" if protocol.luminance else "RGB"
    first, model = next(iter(models.items()))
    field = model(pair.lr[None].to(device_of(model)))
    has_kernels = isinstance(field, GaussianField)
    panels = 4 + len(predictions) + has_kernels
    figure = matplotlib.figure.Figure(figsize=(3 * panels, 3.8), layout="constrained")
    axes = figure.subplots(1, panels)
    axes[0].imshow(to_uint8(pair.hr))
    axes[0].add_patch(matplotlib.patches.Rectangle((left, top), side, side, fill=False, edgecolor="yellow", linewidth=1.5))
    title = f"{one_line(pair.set_name)}: {one_line(pair.name)}\nwhole image"
    axes[0].set_title(title, fontsize=10, parse_math=False)
    _show_lr(axes[1], pair, window)
    axes[1].set_title(f"LR ({scale_name(pair.scale)} smaller)\n", fontsize=10)
    for axis, (name, image) in zip(axes[2:], predictions.items(), strict=False):
        axis.imshow(to_uint8(image)[window])
        decibels = psnr(protocol.prepare(image, pair.scale), target)
        axis.set_title(f"{as_label(name)}\nPSNR-{kind} {decibels:.2f} dB (whole image)", fontsize=10)
    hr, error = axes[2 + len(predictions)], axes[3 + len(predictions)]
    hr.imshow(to_uint8(pair.hr)[window])
    hr.set_title("HR\n", fontsize=10)
    absolute = (predictions[first].clamp(0, 1) - pair.hr).abs().mean(0)
    error.imshow(absolute[window].numpy(), cmap="inferno", vmin=0, vmax=ERROR)
    error.set_title(f"error of {first}\nblack 0, white {ERROR:g} of 1", fontsize=10)
    if has_kernels:
        _show_lr(axes[-1], pair, window)
        _show_kernels(axes[-1], field)
        axes[-1].set_title("kernels: centres and 1-sigma\nellipses over LR (middle)", fontsize=10)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # in names
        save_drawing(figure, path, dpi=110)


def _show_lr(axis: Axes, pair: Pair, window: tuple[slice, slice]) -> None:
    """The LR image in its own corner-based coordinates, cut to the window (given in HR pixels)."""
    height, width = pair.lr.shape[-2:]
    axis.imshow(to_uint8(pair.lr), extent=(0, width, height, 0), interpolation="nearest")
    axis.set_xlim(window[1].start / pair.scale, window[1].stop / pair.scale)
    axis.set_ylim(window[0].stop / pair.scale, window[0].start / pair.scale)


def _show_kernels(axis: Axes, field: GaussianField) -> None:
    """Centres and one-sigma ellipses of the kernels in the middle third of the axis' window, which is enlarged to that."""
    (x0, x1), (y1, y0) = axis.get_xlim(), axis.get_ylim()
    x0, x1 = x0 + (x1 - x0) / 3, x1 - (x1 - x0) / 3
    y0, y1 = y0 + (y1 - y0) / 3, y1 - (y1 - y0) / 3
    means, cholesky = field.means[0].cpu().numpy(), field.cholesky[0].cpu().numpy()
    inside = (means[:, 0] > x0) & (means[:, 0] < x1) & (means[:, 1] > y0) & (means[:, 1] < y1)
    means, cholesky = means[inside], cholesky[inside]
    angle = np.linspace(0, 2 * np.pi, 33)
    circle_x, circle_y = np.cos(angle), np.sin(angle)
    for (x, y), (l11, l21, l22) in zip(means, cholesky, strict=True):
        axis.plot(x + l11 * circle_x, y + l21 * circle_x + l22 * circle_y, color="white", linewidth=0.4, alpha=0.8)
    axis.scatter(means[:, 0], means[:, 1], s=5, color="red", linewidths=0)
    axis.set_xlim(x0, x1)
    axis.set_ylim(y1, y0)


def _busiest(pair: Pair, side: int) -> tuple[int, int]:
    """(top, left), in HR pixels, of the square of `side` HR pixels with the most contrast in the LR image.

    The LR image, because contrast that does not survive the reduction (foliage, noise) shows nothing about a method.
    """
    grey = pair.lr.mean(0)
    if min(grey.shape) < 2:
        return 0, 0
    contrast = grey.diff(dim=0)[:, :-1].abs() + grey.diff(dim=1)[:-1].abs()
    window = max(1, min(int(side / pair.scale), *contrast.shape))
    step = max(1, window // 8)
    pooled = nn.functional.avg_pool2d(contrast[None, None], window, stride=step)[0, 0]
    row, column = divmod(int(pooled.argmax()), pooled.shape[1])
    height, width = pair.hr.shape[-2:]
    return min(round(row * step * pair.scale), height - side), min(round(column * step * pair.scale), width - side)
