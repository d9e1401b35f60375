import math

import pytest
import torch

from splatsr.image.psnr import psnr
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM, ssim


def noisy_pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.rand(3, 20, 30)
    return clean, (clean + 0.05 * torch.randn_like(clean)).clamp(0, 1)


def test_metrics_average_decibels_per_image_not_errors() -> None:
    clean, noisy = noisy_pair()
    noisier = (clean + 0.2).clamp(0, 1)
    metric, similarity = PSNR(), SSIM()
    for image in (noisy, noisier):
        metric.update(image, clean)
        similarity.update(image, clean)
    assert metric.compute().item() == pytest.approx((psnr(noisy, clean) + psnr(noisier, clean)).item() / 2)
    assert similarity.compute().item() == pytest.approx((ssim(noisy, clean) + ssim(noisier, clean)).item() / 2)


def test_a_metric_called_like_a_function_returns_the_images_own_figure() -> None:
    clean, noisy = noisy_pair()
    metric = PSNR()
    assert metric(clean + 0.1, clean).item() == pytest.approx(20, abs=1e-4)
    assert metric(noisy, clean).item() == pytest.approx(psnr(noisy, clean).item())
    assert metric.compute().item() == pytest.approx((20 + psnr(noisy, clean).item()) / 2, abs=1e-4)


def test_exact_images_are_left_out_of_the_mean_and_counted() -> None:
    clean, noisy = noisy_pair()
    metric = PSNR()
    assert metric(clean, clean).item() == math.inf
    assert metric.compute().item() == math.inf
    metric.update(noisy, clean)
    assert metric.compute().item() == pytest.approx(psnr(noisy, clean).item())
    assert (int(metric.images), int(metric.infinite)) == (2, 1)


def test_a_prediction_that_is_no_number_is_not_left_out() -> None:
    clean, noisy = noisy_pair()
    metric = PSNR()
    metric.update(noisy, clean)
    metric.update(clean * math.nan, clean)
    assert math.isnan(metric.compute().item())
