from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.data import astronaut, chelsea
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from composed import protocol_of
from splatsr.data.evaluation_pairs import without_lr
from splatsr.data.images import write_image
from splatsr.errors import InputError
from splatsr.metrics.choice import WITH_NETWORK, check_metrics
from splatsr.metrics.evaluation import check_scales, evaluate, scale_name
from splatsr.metrics.fid import FID
from splatsr.metrics.luma import luma
from splatsr.metrics.psnr import PSNR, psnr
from splatsr.metrics.ssim import SSIM, ssim
from splatsr.models.bicubic import Bicubic
from splatsr.resize.pil import to_tensor

Y, RGB = protocol_of("l_pil"), protocol_of("l_pil_div2k")


def noisy_pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = to_tensor(chelsea()[:90, :120])
    return clean, (clean + 0.05 * torch.randn_like(clean)).clamp(0, 1)


def test_luma_is_studio_range() -> None:
    image = chelsea()[:20, :30]
    expected = torch.from_numpy(rgb2ycbcr(image)[..., 0] / 255)
    torch.testing.assert_close(luma(to_tensor(image).double())[0], expected, atol=1e-6, rtol=0)
    assert luma(torch.ones(3, 1, 1)).item() == pytest.approx(235 / 255)
    assert luma(torch.zeros(3, 1, 1)).item() == pytest.approx(16 / 255)


def test_psnr_equals_scikit_image() -> None:
    clean, noisy = noisy_pair()
    assert psnr(noisy, clean).item() == pytest.approx(
        peak_signal_noise_ratio(clean.double().numpy(), noisy.double().numpy(), data_range=1), abs=1e-9
    )


def test_ssim_equals_scikit_image_on_the_valid_region() -> None:
    clean, noisy = (luma(image.double()) for image in noisy_pair())
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


def test_bicubic_agrees_with_an_independent_computation(tmp_path: Path) -> None:
    """The same chain as the Set5 figures of the protocols' notes, by other code: PIL down and up, scikit-image's Y and SSIM."""
    write_image(tmp_path / "a.png", astronaut()[:121, :162])
    found = evaluate(Bicubic(), {"set": without_lr([tmp_path / "a.png"])}, [2, 3], Y, metrics=None)
    hr = astronaut()[:120, :162]
    lr = Image.fromarray(hr).resize((54, 40), Image.Resampling.BICUBIC)
    sr = np.asarray(lr.resize((162, 120), Image.Resampling.BICUBIC))
    ours, theirs = (rgb2ycbcr(image)[3:-3, 3:-3, 0] for image in (sr, hr))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    _, similarity = structural_similarity(theirs, ours, data_range=255, **options)
    row = found.results["set"]["x3"]
    assert row["psnr_y"] == row["bicubic_psnr_y"]
    assert row["psnr_y"] == pytest.approx(peak_signal_noise_ratio(theirs, ours, data_range=255), abs=0.002)
    assert row["ssim_y"] == pytest.approx(similarity[5:-5, 5:-5].mean(), abs=1e-6)
    assert row["images"] == 1
    assert set(found.results["set"]) == {"x2", "x3"}
    assert found.images["set"]["x3"]["a.png"]["psnr_y"] == row["psnr_y"]
    assert not found.missing


@pytest.mark.parametrize("scales", [[], [0], ["abc"], "234", [0.9]])
def test_impossible_scales_are_refused(scales: object) -> None:
    with pytest.raises(InputError, match="scale"):
        check_scales(scales)


def test_scales_are_named_without_superfluous_zeros() -> None:
    assert [scale_name(scale) for scale in (4, 4.0, 3.3)] == ["x4", "x4", "x3.3"]


@pytest.mark.parametrize("metrics", ["psnr", [], ["psnr", "psnr"], ["mse"], 3])
def test_impossible_metrics_are_refused(metrics: object) -> None:
    with pytest.raises(InputError, match="metric"):
        check_metrics(metrics)


def test_fid_of_a_single_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "a.png", astronaut()[:60, :60])
    monkeypatch.setitem(WITH_NETWORK, "fid", (FID, torch.nn.Identity))
    with pytest.raises(InputError, match="set has fewer than two"):
        evaluate(Bicubic(), {"set": without_lr([tmp_path / "a.png"])}, [2], Y, metrics=["fid"])
