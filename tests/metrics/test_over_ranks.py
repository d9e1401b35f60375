import pytest
import torch

from splatsr.metrics import over_ranks
from splatsr.metrics.over_ranks import mean_over_ranks
from splatsr.metrics.psnr import PSNR


def measured(*levels: float) -> PSNR:
    metric = PSNR()
    for level in levels:
        metric.update(torch.zeros(3, 4, 4), torch.full((3, 4, 4), level))
    return metric


def test_alone_it_is_the_metrics_own_mean() -> None:
    metrics = {"a": measured(0.1, 0.01, 0.5), "b": measured(0.2)}
    assert mean_over_ranks(metrics) == {name: pytest.approx(metric.compute().item()) for name, metric in metrics.items()}
    assert mean_over_ranks({}) == {}


def test_every_image_counts_once_wherever_it_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = [{"a": measured(0.1, 0.01)}, {"b": measured(0.2), "a": measured(0.5)}, {}]

    def gather(parts: list, own: dict) -> None:
        parts[:] = [
            {name: torch.stack([metric.total, metric.images, metric.infinite]) for name, metric in rank.items()}
            for rank in ranks
        ]
        assert own.keys() in [part.keys() for part in parts]

    expected = {"a": measured(0.1, 0.01, 0.5).compute().item(), "b": measured(0.2).compute().item()}
    monkeypatch.setattr(over_ranks.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(over_ranks.distributed, "get_world_size", lambda: len(ranks))
    monkeypatch.setattr(over_ranks.distributed, "all_gather_object", gather)
    for rank in ranks:
        assert mean_over_ranks(rank) == pytest.approx(expected)
