"""The metrics: what each is called in results, how it is printed, what it compares, and the class that computes it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torchmetrics import Metric

from splatsr.errors import InputError
from splatsr.metrics.dists import DISTS
from splatsr.metrics.fid import FID
from splatsr.metrics.lpips import LPIPS
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM


class NamedMetric(NamedTuple):
    """One metric.

    Attributes:
        name: in results: `Figure.metric`, metrics.json, loggers.
        requested_as: in `metrics=[...]` and in protocols, which leave it to `Protocol.luminance` whether Y or RGB is compared.
        heading: of tables and axes, with the unit.
        decimals: that are printed.
        sees_rgb: whether it compares RGB, or studio-range Y (metrics.luma).
        computed_by: the class.
    """

    name: str
    requested_as: str
    heading: str
    decimals: int
    sees_rgb: bool
    computed_by: Callable[..., Metric]


METRICS = (
    NamedMetric("psnr_y", "psnr", "PSNR-Y (dB)", 2, False, PSNR),
    NamedMetric("psnr_rgb", "psnr", "PSNR-RGB (dB)", 2, True, PSNR),
    NamedMetric("ssim_y", "ssim", "SSIM-Y", 4, False, SSIM),
    NamedMetric("ssim_rgb", "ssim", "SSIM-RGB", 4, True, SSIM),
    NamedMetric("lpips", "lpips", "LPIPS", 4, True, LPIPS),
    NamedMetric("dists", "dists", "DISTS", 4, True, DISTS),
    NamedMetric("fid", "fid", "FID", 2, True, FID),
)

REQUESTABLE = tuple(dict.fromkeys(metric.requested_as for metric in METRICS))
"""psnr, ssim, lpips, dists, fid."""

PSNR_NAMES = tuple(metric.name for metric in METRICS if metric.computed_by is PSNR)
"""Of which a run has one, as its protocol compares Y or RGB."""


def check_metrics(names: Any, where: str = "metrics") -> None:
    """InputError unless `names`, given as the setting `where`, are distinct metrics that exist."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not names or len(set(names)) < len(names):
        raise InputError(f"{where} must be a list such as [psnr,ssim], each once; got {names!r}.")
    for name in names:
        if name not in REQUESTABLE:
            raise InputError(f"{where}: there is no metric {name!r}; metrics are {', '.join(REQUESTABLE)}.")


def find_metric(requested: str, *, luminance: bool) -> NamedMetric:
    """The metric that `requested` stands for where Y (`luminance`) or RGB is compared; some compare RGB either way.

    Raises:
        KeyError: there is no such metric.
    """
    found = {metric.sees_rgb: metric for metric in METRICS if metric.requested_as == requested}
    if not found:
        raise KeyError(requested)
    return found.get(not luminance, found[True])
