"""Which metrics an evaluation computes, and which of those it must leave out and why."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torchmetrics import Metric

from splatsr.metrics.backbone import AbsentWeightsError
from splatsr.metrics.dists import load_dists
from splatsr.metrics.fid import load_inception
from splatsr.metrics.lpips import load_lpips
from splatsr.metrics.names import METRICS, check_metrics

log = logging.getLogger(__name__)

NETWORKS: dict[str, Callable[[], nn.Module]] = {"lpips": load_lpips, "dists": load_dists, "fid": load_inception}
"""What loads the network of a metric that has one."""


class Choice(NamedTuple):
    """`make` of every metric that can be computed, in the order asked for; `missing`: the reason for every other.

    Keys are what the metrics are requested as: psnr, lpips.
    """

    make: dict[str, Callable[[], Metric]]
    missing: dict[str, str]


def choose_metrics(names: Sequence[str], device: torch.device | str = "cpu") -> Choice:
    """Loads each network once, onto `device`; a metric without its network is missing, with a line in the log.

    Raises:
        InputError: a name is no metric, or a weights file is damaged.
    """
    check_metrics(names)
    computed_by = {metric.requested_as: metric.computed_by for metric in METRICS}
    choice = Choice({}, {})
    for name in names:
        if name not in NETWORKS:
            choice.make[name] = computed_by[name]
            continue
        try:
            choice.make[name] = partial(computed_by[name], NETWORKS[name]().to(device))
        except AbsentWeightsError as absent:
            choice.missing[name] = str(absent)
            log.warning("%s is not measured: %s.", name, absent)
    return choice
