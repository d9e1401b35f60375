from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.fid import FID, frechet_distance
from trained_networks import INCEPTION, pair


class Moments(nn.Module):
    """Six features of an 8-bit image, as a stand-in for Inception."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, levels: Tensor) -> Tensor:
        image = levels.float() / 255
        return torch.cat([image.mean((2, 3)), image.std((2, 3))], 1) * self.gain


def test_fid_equals_torchmetrics() -> None:
    ours, theirs = FID(Moments()), FrechetInceptionDistance(feature=Moments(), normalize=False)
    for _ in range(12):
        target = torch.rand(3, 1, 1) * torch.rand(3, 40, 30)
        prediction = (target + 0.2 * torch.rand(3, 1, 1)).clamp(0, 1)
        ours.update(prediction.double(), target.double())
        theirs.update((prediction[None].double() * 255).round().to(torch.uint8), real=False)
        theirs.update((target[None].double() * 255).round().to(torch.uint8), real=True)
    assert ours.compute().item() > 0.01
    assert ours.compute().item() == pytest.approx(theirs.compute().item(), rel=1e-4)


def test_the_frechet_distance_of_shifted_points_is_the_shift_squared() -> None:
    points = torch.randn(7, 20, dtype=torch.float64)  # fewer images than features, as with every test set
    assert frechet_distance(points + 0.5, points).item() == pytest.approx(20 * 0.25)
    assert frechet_distance(points[:4], points[:4]).item() == pytest.approx(0, abs=1e-12)


def test_fid_runs_on_inception(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import feature_extractor_inceptionv3 as inception

    with monkeypatch.context() as without_weights:
        without_weights.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        without_weights.setattr(inception.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.save(inception.FeatureExtractorInceptionV3("random", ["2048"]).state_dict(), hub / INCEPTION)
    metric = choose_metrics(["fid"]).make["fid"]()
    noisy, clean = pair()
    metric.update(noisy, clean)
    metric.update(noisy.flip(2), clean.flip(1))
    assert metric.predictions[0].shape == (1, 2048)
    assert torch.isfinite(metric.compute())
