import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor

from composed import settings_of
from splatsr.data.degradation import jpeg_on_device
from splatsr.data.degradation.camera import Camera, Round
from splatsr.errors import InputError
from splatsr.resize.levels import to_tensor
from splatsr.runs.configuration import instantiate

HR = torch.stack([to_tensor(np.ascontiguousarray(astronaut()[top : top + 61, 150:211])) for top in (0, 60, 120, 180)])
SIZE = (17, 17)
SEEDS = [3, 1, 4, 2**62]


def camera(**second: object) -> Camera:
    settings = settings_of("data/degradation=camera")["data"]["degradation"]["camera"]
    settings["second"] |= second
    return instantiate(settings, "data.degradation.camera")


@pytest.fixture
def quiet() -> Camera:
    """Everything drawn has no effect but JPEG of the highest quality: what is left is a downscaling."""
    settings = settings_of("data/degradation=camera")["data"]["degradation"]["camera"]
    for one in (settings["first"], settings["second"]):
        one["blur"]["chance"], one["resize"]["chances"], one["quality"] = 0.0, [0, 0, 1], [100, 100]
        one["noise"] |= {"sigma": [0, 0], "poisson_strength": [0, 0]}
    settings["sinc"]["chance"] = 0.0
    return instantiate(settings, "data.degradation.camera")


def share_of_equal_pixels(one: Tensor, other: Tensor) -> float:
    return (one == other).float().mean().item()


def test_lr_has_the_asked_size_on_8_bit_levels() -> None:
    for size in ((17, 17), (16, 23), (4, 4), (61, 61)):
        low = camera()(HR, size, SEEDS)
        assert low.shape == (4, 3, *size)
        assert low.dtype == torch.float32
        assert torch.equal((low * 255).round() / 255, low)
        assert 0 <= low.min() < low.max() <= 1
        assert not low.requires_grad


def test_the_seeds_are_all_that_counts() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    low = camera()(HR, SIZE, SEEDS)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(low, camera()(HR, SIZE, SEEDS))
    others = camera()(HR, SIZE, [seed + 1 for seed in SEEDS])
    assert all(share_of_equal_pixels(one, other) < 0.5 for one, other in zip(low, others, strict=True))


def test_batch_mates_change_nothing() -> None:
    low = camera()(HR, SIZE, SEEDS)
    backwards = camera()(HR.flip(0), SIZE, SEEDS[::-1]).flip(0)
    alone = torch.cat([camera()(HR[[index]], SIZE, SEEDS[index : index + 1]) for index in range(4)])
    assert torch.equal(low, backwards)
    assert torch.equal(low, alone)


def test_images_of_a_batch_may_differ_in_size() -> None:
    images = [HR[0], HR[1][:, :40, :40]]
    low = camera()(images, SIZE, SEEDS[:2])
    assert torch.equal(low[0], camera()(HR[:1], SIZE, SEEDS[:1])[0])
    assert low.shape == (2, 3, *SIZE)


def test_without_a_step_it_is_a_downscaling_that_moves_nothing(quiet: Camera) -> None:
    x = (torch.arange(60) + 0.5).expand(1, 3, 60, 60) / 60
    low = quiet(x, (20, 20), [0])
    expected = (torch.arange(20) + 0.5) / 20
    assert (low[0, :, 10] - expected)[:, 2:-2].abs().max() < 3 / 255
    ordinary = camera()(HR, SIZE, SEEDS)
    clean = torch.nn.functional.interpolate(HR, SIZE, mode="area")
    assert (quiet(HR, SIZE, SEEDS) - clean).abs().mean() < 0.5 * (ordinary - clean).abs().mean()


def test_both_orders_of_the_last_steps_come() -> None:
    settings = settings_of("data/degradation=camera")["data"]["degradation"]["camera"]
    settings["second"]["quality"] = [1, 1]
    results = []
    for chance in (0.0, 1.0, 0.5):
        settings["resize_first"] = chance
        results.append(instantiate(settings, "data.degradation.camera")(HR, SIZE, SEEDS))
    late, early, either = results
    is_early = [torch.equal(*pair) for pair in zip(either, early, strict=True)]
    is_late = [torch.equal(*pair) for pair in zip(either, late, strict=True)]
    assert all(one != other for one, other in zip(is_early, is_late, strict=True))
    assert any(is_early)
    assert any(is_late)


def test_on_other_devices_it_is_the_same_chain_with_the_other_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    real = camera()(HR, SIZE, SEEDS)
    monkeypatch.setattr("splatsr.data.degradation.camera.jpeg", jpeg_on_device.approximated)
    approximate = camera()(HR, SIZE, SEEDS)
    assert torch.equal((approximate * 255).round() / 255, approximate)
    assert (approximate - real).abs().mean() < 0.03
    assert not torch.equal(approximate, real)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_makes_images_of_the_same_kind() -> None:
    low = camera()(HR.cuda(), SIZE, SEEDS)
    assert low.device.type == "cuda"
    assert torch.equal(low, camera()(HR.cuda(), SIZE, SEEDS))
    assert (low.cpu() - camera()(HR, SIZE, SEEDS)).abs().mean() < 0.1


def test_impossible_qualities_are_refused() -> None:
    parts = camera().first
    with pytest.raises(InputError, match=r"camera.quality must be \[smallest, largest\] between 1 and 100"):
        Round(blur=parts.blur, resize=parts.resize, noise=parts.noise, quality=[0, 50])
