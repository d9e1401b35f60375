import pytest
import torch
from skimage.data import chelsea
from skimage.metrics import structural_similarity

from splatsr.metrics.luma import luma
from splatsr.metrics.ssim import ssim
from splatsr.resize.levels import to_tensor


def test_it_equals_scikit_image_on_the_valid_region() -> None:
    clean = to_tensor(chelsea()[:90, :120])
    noisy = (clean + 0.05 * torch.randn_like(clean)).clamp(0, 1)
    clean, noisy = (luma(image.double()) for image in (clean, noisy))
    _, full = structural_similarity(
        clean[0].numpy(),
        noisy[0].numpy(),
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert ssim(noisy, clean).item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)
    assert ssim(clean, clean).item() == pytest.approx(1)
