import pytest
import torch

from splatsr.data.photos import held_out_photographs
from splatsr.image.field import GaussianField
from splatsr.image.psnr import psnr
from splatsr.image_files.reading import read_image
from splatsr.prior.sensitivity import GROUPS, measure, noisy_image, raw_position
from splatsr.resize.levels import to_tensor


def some_field() -> GaussianField:
    means = torch.rand(2, 60, 2) * torch.tensor([24.0, 16.0]) + 0.5
    return GaussianField(means, torch.rand(2, 60, 3) + 0.5, torch.rand(2, 60, 3) / 4, (16, 24), reference_scale=1)


def test_noise_on_an_image_is_the_papers_figure() -> None:
    image = to_tensor(read_image(held_out_photographs()["photos"][0]))[None, :, 100:228, 100:228]
    noisy = noisy_image(image, lambda like: 0.05 * torch.randn(like.shape))
    assert 26.0 < psnr(noisy, image).item() < 26.6


def test_raw_positions_move_before_their_tanh() -> None:
    field = some_field()
    extent = torch.tensor([24.0, 16.0])
    noise = 0.3 * torch.randn(2, 60, 2)
    moved = (raw_position(field, lambda _: noise).means - 0.5) * 2 / extent - 1
    expected = torch.tanh(torch.atanh((field.means - 0.5) * 2 / extent - 1) + noise)
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-4)


def test_every_group_is_measured_and_more_noise_hurts_more() -> None:
    field = some_field()
    truth = field.render(scale=1).clamp(0, 1) + 1e-4
    little, much = (measure(field, truth, deviation=deviation, seed=0) for deviation in (0.01, 0.1))
    assert set(little) == {"no noise", "image, against the fit", "image", *GROUPS}
    for name, quality in little.items():
        assert quality.shape == (2,)
        assert (quality > much[name]).all() or name == "no noise"
    assert torch.equal(little["image"], measure(field, truth, deviation=0.01, seed=0)["image"])
    assert little["all raw parameters"].mean().item() == pytest.approx(little["position, raw"].mean().item(), abs=3)
    assert (little["position, in pixels"] > little["position, raw"]).all()
