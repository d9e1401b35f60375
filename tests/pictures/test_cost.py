from pathlib import Path

import matplotlib.image
import pytest

from splatsr.metrics.model_cost import AverageTimeCost, MemoryCost, ModelCost, OneScaleCost
from splatsr.pictures.cost import draw_cost


def cost(*measured: int) -> ModelCost:
    times = {scale: 0.1 * scale**2 for scale in (4, 8, 16, 48)}
    one = OneScaleCost(4, (8, 8), 32, 12.0, 1e9)
    return ModelCost(7, [AverageTimeCost((4, 5), 10.0, times, measured)], [one], MemoryCost((4, 5), 20.0, {4: 30.0, 48: 90.0}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_interpolated_times_are_hollow(tmp_path: Path) -> None:
    draw_cost({"whole": cost(4, 8, 16, 48)}, tmp_path / "whole.png")
    draw_cost({"whole": cost(4)}, tmp_path / "partly.png")
    whole, partly = (matplotlib.image.imread(tmp_path / f"{name}.png") for name in ("whole", "partly"))
    changed = abs(whole - partly).max(-1) > 0.1
    assert changed.any()
    assert not changed[:, whole.shape[1] // 2 :].any(), "memory is measured at every scale"
