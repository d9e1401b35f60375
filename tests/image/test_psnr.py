import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from splatsr.image.psnr import psnr


def test_it_equals_scikit_image() -> None:
    clean, noisy = torch.rand(2, 3, 19, 31)
    theirs = peak_signal_noise_ratio(clean.double().numpy(), noisy.double().numpy(), data_range=1)
    assert psnr(noisy, clean).item() == pytest.approx(theirs, abs=1e-9)


def test_every_image_of_a_batch_has_its_own() -> None:
    clean, noisy = torch.rand(2, 4, 3, 19, 31)
    together = psnr(noisy, clean)
    assert together.dtype == torch.float64
    assert torch.equal(together, torch.stack([psnr(one, other) for one, other in zip(noisy, clean, strict=True)]))


def test_equal_images_are_infinitely_good_and_nothing_is_clamped() -> None:
    image = torch.rand(1, 5, 7)
    assert psnr(image, image).item() == float("inf")
    assert psnr(image + 10, image).item() == pytest.approx(-20, abs=1e-4)
