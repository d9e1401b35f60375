from pathlib import Path

import pytest
import torch

from splatsr.metrics.choice import choose_metrics
from trained_networks import VGG, pair, random_weights


def test_dists_runs_and_is_zero_for_equal_images(hub: Path) -> None:
    torch.save(random_weights("vgg16"), hub / VGG)
    metric = choose_metrics(["dists"]).make["dists"]()
    noisy, clean = pair()
    assert metric(clean, clean).item() == pytest.approx(0, abs=1e-5)
    assert 0.001 < metric(noisy, clean).item() < 1
