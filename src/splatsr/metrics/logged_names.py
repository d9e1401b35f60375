"""What figures are called in loggers (CSV, W&B): stage/protocol/metric/set/scale, such as val/L-pil/psnr_y/set5/x4."""

from typing import NamedTuple

from splatsr.geometry import Number
from splatsr.metrics.figure import scale_name
from splatsr.metrics.protocol import Protocol


class LoggedName(NamedTuple):
    """The parts of such a name; `metric` as in metrics.json, `scale` as "x4"."""

    stage: str
    protocol: str
    metric: str
    set_name: str
    scale: str


def logged_name(stage: str, protocol: Protocol, metric: str, set_name: str, scale: Number) -> str:
    """The name of a figure; `stage` is val (during training) or test (at its end)."""
    return "/".join((stage, protocol.name, metric, set_name, scale_name(scale)))


def split_logged_name(name: str) -> LoggedName | None:
    """Its parts; None for everything else that is logged, such as train/loss."""
    parts = name.split("/")
    return LoggedName(*parts) if len(parts) == 5 else None
