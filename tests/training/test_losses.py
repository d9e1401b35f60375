import math

import pytest
import torch

from splatsr.errors import InputError
from splatsr.metrics.ssim import ssim
from splatsr.training.losses import Charbonnier, L1WithFrequency, L1WithSSIM


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
    with pytest.raises(InputError, match="supervision=crops"):
        L1WithSSIM(weight=0.2)(prediction.flatten(2)[0], target.flatten(2)[0])
