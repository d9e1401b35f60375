"""LPIPS, DISTS and FID on networks with random weights, which stand where the trained ones would."""

import logging
from pathlib import Path

import lpips
import pytest
import torch
import torchvision
from skimage.data import chelsea
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from splatsr.errors import InputError
from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.fid import FID, frechet_distance
from splatsr.metrics.lpips import LPIPS
from splatsr.resize.levels import to_tensor

ALEX, VGG = "alexnet-owt-7be5be79.pth", "vgg16-397923af.pth"
INCEPTION = "weights-inception-2015-12-05-6726825d.pth"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for torch's checkpoints."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def random_weights(name: str) -> dict[str, Tensor]:
    """A whole state dict of a torchvision network; the classifier, which no metric uses, takes no memory."""
    with torch.device("meta"):
        shapes = getattr(torchvision.models, name)(weights=None, init_weights=False) if name == "vgg16" else None
        shapes = shapes or getattr(torchvision.models, name)(weights=None)
    return {
        key: torch.zeros(1).expand(value.shape)
        if key.startswith("classifier")
        else torch.randn(value.shape) / max(1, value[0].numel()) ** 0.5
        for key, value in shapes.state_dict().items()
    }


def pair() -> tuple[Tensor, Tensor]:
    clean = to_tensor(chelsea()[100:170, 100:190])
    return (clean + 0.1 * torch.randn_like(clean)).clamp(0, 1).double(), clean.double()


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_lpips_equals_the_lpips_package(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    metric = choose_metrics(["lpips"]).make["lpips"]()
    noisy, clean = pair()
    theirs = lpips.LPIPS(net="alex", verbose=False)(noisy.float()[None], clean.float()[None], normalize=True).item()
    assert theirs > 0.001
    assert metric(noisy, clean).item() == pytest.approx(theirs, abs=1e-6)
    assert metric(clean, clean).item() == 0
    assert metric.compute().item() == pytest.approx(theirs / 2, abs=1e-6)
    with pytest.raises(InputError, match="LPIPS needs 31x31 pixels"):
        metric(clean[:, :30], clean[:, :30])


def test_dists_runs_and_is_zero_for_equal_images(hub: Path) -> None:
    torch.save(random_weights("vgg16"), hub / VGG)
    metric = choose_metrics(["dists"]).make["dists"]()
    noisy, clean = pair()
    assert metric(clean, clean).item() == pytest.approx(0, abs=1e-5)
    assert 0.001 < metric(noisy, clean).item() < 1


def test_networks_are_loaded_once_and_shared(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    make = choose_metrics(["psnr", "lpips"]).make
    assert make["lpips"]().network is make["lpips"]().network
    assert isinstance(make["lpips"](), LPIPS)


def test_absent_networks_name_the_file_and_the_place(hub: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    choice = choose_metrics(["psnr", "lpips", "dists", "fid"])
    assert list(choice.make) == ["psnr"]
    for name, file in {"lpips": ALEX, "dists": VGG, "fid": INCEPTION}.items():
        assert file in choice.missing[name]
        assert str(hub) in choice.missing[name]
        assert choice.missing[name] in caplog.text
    assert not list(hub.iterdir()), "nothing was downloaded"


@pytest.mark.parametrize("name", ["lpips", "dists", "fid"])
def test_a_damaged_network_is_refused(hub: Path, name: str) -> None:
    for file in (ALEX, VGG, INCEPTION):
        (hub / file).write_bytes(b"half a download")
    with pytest.raises(InputError, match="is damaged"):
        choose_metrics([name])


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
