"""Which metrics an evaluation computes, and which of those it must leave out and why."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torchmetrics import Metric

from splatsr.errors import InputError
from splatsr.metrics.backbone import AbsentWeightsError
from splatsr.metrics.dists import DISTS, load_dists
from splatsr.metrics.fid import FID, load_inception
from splatsr.metrics.lpips import LPIPS, load_lpips
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM

log = logging.getLogger(__name__)

PLAIN = {"psnr": PSNR, "ssim": SSIM}
WITH_NETWORK: dict[str, tuple[Callable[[nn.Module], Metric], Callable[[], nn.Module]]] = {
    "lpips": (LPIPS, load_lpips),
    "dists": (DISTS, load_dists),
    "fid": (FID, load_inception),
}


class Choice(NamedTuple):
    """`make` of every metric that can be computed, in the order asked for; `missing`: the reason for every other."""

    make: dict[str, Callable[[], Metric]]
    missing: dict[str, str]


def check_metrics(names: Any) -> None:
    """InputError unless `names` are distinct metrics that exist; None stands for those of the protocol."""
    known = [*PLAIN, *WITH_NETWORK]
    if names is None:
        return
    if isinstance(names, str) or not isinstance(names, Sequence) or not names or len(set(names)) < len(names):
        raise InputError(f"metrics must be a list such as [psnr,ssim], each once; got {names!r}.")
    for name in names:
        if name not in known:
            raise InputError(f"there is no metric {name!r}; metrics are {', '.join(known)}.")


def choose_metrics(names: Sequence[str], device: torch.device | str = "cpu") -> Choice:
    """Loads each network once, onto `device`; a metric without its network is missing, with a line in the log.

    Raises:
        InputError: a name is no metric, or a weights file is damaged.
    """
    check_metrics(names)
    choice = Choice({}, {})
    for name in names:
        if name in PLAIN:
            choice.make[name] = PLAIN[name]
            continue
        metric, load = WITH_NETWORK[name]
        try:
            choice.make[name] = partial(metric, load().to(device))
        except AbsentWeightsError as absent:
            choice.missing[name] = str(absent)
            log.warning("%s is not measured: %s.", name, absent)
    return choice
