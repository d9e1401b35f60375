import copy
import math
from pathlib import Path

import lpips
import pytest
import torch

from splatsr.errors import InputError
from splatsr.metrics.ssim import ssim
from splatsr.training.losses import Charbonnier, L1WithFrequency, L1WithLPIPS, L1WithSSIM, LossOfCrops
from splatsr.training.supervision import OnCrops, OnQueries, OnWindows
from trained_networks import ALEX, pair, random_weights


def test_weight_zero_is_l1() -> None:
    prediction, target = torch.rand(2, 3, 5, 7), torch.rand(2, 3, 5, 7)
    torch.testing.assert_close(L1WithFrequency(weight=0.0)(prediction, target), (prediction - target).abs().mean())


def test_a_constant_error_sits_in_the_zero_frequency() -> None:
    target = torch.rand(1, 1, 4, 6)
    loss = L1WithFrequency(weight=0.1)(target + 0.5, target)
    zero_frequency = 0.5 * 24  # the unnormalised sum; one of 24 entries, one of its two parts
    torch.testing.assert_close(loss, torch.tensor(0.5 + 0.1 * zero_frequency / (24 * 2)))


def test_a_wave_sits_in_two_entries() -> None:
    x = torch.arange(8) * 2 * math.pi / 8
    wave = torch.cos(2 * x).expand(1, 1, 3, 8)
    loss = L1WithFrequency(weight=1.0)(wave, torch.zeros_like(wave)) - wave.abs().mean()
    assert loss.item() == pytest.approx(2 * (24 / 2) / (24 * 2), rel=1e-5)


def test_it_has_a_gradient_and_refuses_negative_weights() -> None:
    prediction = torch.rand(1, 3, 4, 4, requires_grad=True)
    L1WithFrequency(weight=0.1)(prediction, torch.rand(1, 3, 4, 4)).backward()
    assert prediction.grad.abs().min() > 0
    with pytest.raises(ValueError, match="at least 0"):
        L1WithFrequency(weight=-1.0)


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_lpips_is_added_to_l1(hub: Path) -> None:
    torch.manual_seed(0)
    torch.save(random_weights("alexnet"), hub / ALEX)
    noisy, clean = (torch.stack([image, image.flip(1)]).float() for image in pair())
    distance = lpips.LPIPS(net="alex", verbose=False)(noisy, clean, normalize=True).mean()
    assert distance > 0.001
    for weight in (0.0, 0.5, 20.0):
        expected = (noisy - clean).abs().mean() + weight * distance
        torch.testing.assert_close(L1WithLPIPS(weight=weight)(noisy, clean), expected)
    assert L1WithLPIPS(weight=1.0)(clean, clean) == 0


def test_its_gradient_reaches_the_prediction_and_its_network_is_nobodys_weight(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    loss = L1WithLPIPS(weight=1.0)
    prediction, target = (image.float()[None].requires_grad_() for image in pair())
    (loss(prediction, target.detach()) - (prediction - target.detach()).abs().mean()).backward()
    assert prediction.grad.isfinite().all()
    assert prediction.grad.abs().sum() > 0
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(prediction, target), copy.deepcopy(loss).train()(prediction.detach(), target.detach()))


def test_without_its_network_it_says_what_belongs_where(hub: Path) -> None:
    with pytest.raises(InputError, match=rf"loss=l1_lpips: .* put https://.*/{ALEX} into {hub}; or use loss=l1\."):
        L1WithLPIPS(weight=0.1)


def test_losses_of_crops_refuse_single_pixels_and_crops_that_are_too_small(hub: Path) -> None:
    torch.save(random_weights("alexnet"), hub / ALEX)
    for name, loss in (("l1_frequency", L1WithFrequency(weight=0.1)), ("l1_lpips", L1WithLPIPS(weight=0.1))):
        assert isinstance(loss, LossOfCrops)
        loss.check(OnCrops(), 31**2)
        with pytest.raises(InputError, match=f"loss={name} compares whole crops; use supervision=crops .* or loss=l1"):
            loss.check(OnQueries(count=4), 31**2)
    with pytest.raises(InputError, match="needs HR crops of 31x31 pixels; the smallest has 900 pixels"):
        L1WithLPIPS(weight=0.1).check(OnCrops(), 30**2)
    assert not isinstance(torch.nn.L1Loss(), LossOfCrops)


@pytest.mark.parametrize("loss", [L1WithFrequency(weight=0.1), L1WithSSIM(weight=0.1)])
def test_losses_of_crops_take_windows_of_methods_that_are_queried(loss: LossOfCrops) -> None:
    loss.check(OnWindows(side=11, step=1), 99)
    loss(torch.rand(2, 3, 11, 11), torch.rand(2, 3, 11, 11))


def test_what_counts_for_a_window_is_its_own_size() -> None:
    with pytest.raises(InputError, match="needs HR crops of 11x11 pixels"):
        L1WithSSIM(weight=0.1).check(OnWindows(side=10, step=1), 1000)


def test_charbonnier_is_l1_far_away_and_quadratic_near_zero() -> None:
    loss, zero = Charbonnier(epsilon=1e-3), torch.zeros(2, 3, 4, 4)
    torch.testing.assert_close(loss(zero + 0.5, zero), torch.tensor(0.5), atol=2e-6, rtol=0)
    torch.testing.assert_close(loss(zero + 1e-5, zero), torch.tensor(1e-3 + 1e-10 / 2e-3), atol=1e-9, rtol=0)
    assert loss(torch.rand(7, 3), torch.rand(7, 3)).ndim == 0


def test_l1_with_ssim_adds_what_the_metric_lacks_to_one() -> None:
    prediction, target = torch.rand(2, 3, 24, 20), torch.rand(2, 3, 24, 20)
    similarity = torch.stack([ssim(*pair) for pair in zip(prediction, target, strict=True)]).mean()
    expected = (prediction - target).abs().mean() + 0.2 * (1 - similarity.float())
    torch.testing.assert_close(L1WithSSIM(weight=0.2)(prediction, target), expected, atol=2e-4, rtol=1e-3)
    assert L1WithSSIM(weight=0.2)(target, target).item() == pytest.approx(0, abs=1e-5)
    L1WithSSIM(weight=0.2).check(OnCrops(), 121)
    with pytest.raises(InputError, match="supervision=crops"):
        L1WithSSIM(weight=0.2).check(OnQueries(count=4), 121)
    with pytest.raises(InputError, match="larger data.patch"):
        L1WithSSIM(weight=0.2).check(OnCrops(), 120)
