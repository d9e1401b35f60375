"""What figures are called in loggers (CSV, W&B): stage/metric/set/scale, such as val/L-pil/psnr_y/set5/x4."""

from typing import NamedTuple

from splatsr.geometry import Number
from splatsr.metrics.figure import scale_name


class LoggedName(NamedTuple):
    """The parts of such a name; `metric` as in metrics.json, `scale` as "x4"."""

    stage: str
    metric: str
    set_name: str
    scale: str


def logged_name(stage: str, metric: str, set_name: str, scale: Number) -> str:
    """The name of a figure; `stage` is "val/<protocol>" during a training, "test" at its end."""
    return "/".join((stage, metric, set_name, scale_name(scale)))


def split_logged_name(name: str) -> LoggedName | None:
    """Its parts; None for everything else that is logged, such as train/loss."""
    parts = name.rsplit("/", 3)
    return LoggedName(*parts) if len(parts) == 4 else None
