"""Means over the images of all processes of a training, each of which measured some of them."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

from torch import distributed

from splatsr.metrics.mean import MeanOverImages

Key = TypeVar("Key", bound=Hashable)


def mean_over_ranks(metrics: Mapping[Key, MeanOverImages]) -> dict[Key, float]:
    """{key: mean over every process's images}, the same everywhere; all processes must call it.

    (torchmetrics' own synchronisation expects every key on every process, and a process may have seen no image of a set.)
    """
    own = {key: (metric.total.item(), int(metric.images)) for key, metric in metrics.items()}
    parts = [own]
    if distributed.is_available() and distributed.is_initialized():
        parts = [{} for _ in range(distributed.get_world_size())]
        distributed.all_gather_object(parts, own)
    sums: dict[Key, tuple[float, int]] = {}
    for key, (total, images) in (entry for part in parts for entry in part.items()):
        before = sums.get(key, (0.0, 0))
        sums[key] = (before[0] + total, before[1] + images)
    return {key: total / images for key, (total, images) in sums.items()}
