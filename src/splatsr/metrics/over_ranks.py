"""Means over the images of all processes of a training, each of which measured some of them."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, distributed

from splatsr.metrics.mean import MeanOverImages, mean_of_finite

Key = TypeVar("Key", bound=Hashable)


def mean_over_ranks(metrics: Mapping[Key, MeanOverImages]) -> dict[Key, float]:
    """{key: mean over every process's images}, the same everywhere; all processes must call it.

    (torchmetrics' own synchronisation expects every key on every process, and a process may have seen no image of a set.)
    """
    own = {
        key: torch.stack([metric.total.cpu(), metric.images.cpu(), metric.infinite.cpu()]) for key, metric in metrics.items()
    }
    parts = [own]
    if distributed.is_available() and distributed.is_initialized():
        parts = [{} for _ in range(distributed.get_world_size())]
        distributed.all_gather_object(parts, own)
    sums: dict[Key, Tensor] = {}
    for key, counted in (entry for part in parts for entry in part.items()):
        sums[key] = sums.get(key, torch.zeros_like(counted)) + counted
    return {key: mean_of_finite(*counted).item() for key, counted in sums.items()}
