"""What a model costs, as records, and their form in benchmark.json."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from splatsr.geometry import Number
from splatsr.metrics.figure import scale_name


@dataclass(frozen=True)
class AverageTimeCost:
    """Times to encode one LR image of `lr_size` (h, w) pixels and to render it at every scale, in milliseconds.

    `measured` are the scales that were timed; at the others the time is interpolated.
    """

    lr_size: tuple[int, int]
    encode_ms: float
    render_ms_at: Mapping[Number, float]
    measured: Sequence[Number]

    @property
    def render_ms(self) -> float:
        """The mean over the scales."""
        return statistics.mean(self.render_ms_at.values())

    @property
    def average_ms(self) -> float:
        """The papers' AT: the mean time of a scale, where the image is encoded once for all of them."""
        return self.encode_ms / len(self.render_ms_at) + self.render_ms


@dataclass(frozen=True)
class OneScaleCost:
    """One image of hr_side x hr_side pixels from an LR image of `lr_size` (h, w) at `scale`, encoded and rendered.

    `multiply_adds` are those of convolutions and matrix products.
    """

    scale: Number
    lr_size: tuple[int, int]
    hr_side: int
    ms: float
    multiply_adds: float


@dataclass(frozen=True)
class MemoryCost:
    """Peaks of encoding an LR image of `lr_size` (h, w) pixels and of rendering it at every scale, in MB (1e6 bytes)."""

    lr_size: tuple[int, int]
    encode_mb: float
    render_mb_at: Mapping[Number, float]


@dataclass(frozen=True)
class ModelCost:
    """Everything that is measured of one model; `average_time` has an entry for every LR size, `one_scale` for every scale."""

    parameters: int
    average_time: Sequence[AverageTimeCost]
    one_scale: Sequence[OneScaleCost]
    memory: MemoryCost

    def as_json(self) -> dict[str, Any]:
        """As benchmark.json has it: plain values, scales as "x4"."""
        return {
            "parameters": self.parameters,
            "average_time": [_average_time(time) for time in self.average_time],
            "one_scale": {scale_name(one.scale): _one_scale(one) for one in self.one_scale},
            "memory": {
                "lr_size": list(self.memory.lr_size),
                "encode_mb": self.memory.encode_mb,
                "render_mb_at": _by_scale(self.memory.render_mb_at),
            },
        }


def _average_time(time: AverageTimeCost) -> dict[str, Any]:
    return {
        "lr_size": list(time.lr_size),
        "encode_ms": time.encode_ms,
        "render_ms": time.render_ms,
        "average_ms": time.average_ms,
        "render_ms_at": _by_scale(time.render_ms_at),
        "measured": [scale_name(scale) for scale in time.measured],
    }


def _one_scale(one: OneScaleCost) -> dict[str, Any]:
    return {"lr_size": list(one.lr_size), "hr_side": one.hr_side, "ms": one.ms, "multiply_adds": one.multiply_adds}


def _by_scale(values: Mapping[Number, float]) -> dict[str, float]:
    return {scale_name(scale): value for scale, value in values.items()}
