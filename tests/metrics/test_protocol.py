import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.data import astronaut

from composed import protocol_of
from splatsr.data.evaluation_pairs import LowResolution
from splatsr.errors import InputError
from splatsr.image.psnr import psnr
from splatsr.metrics.protocol import Protocol
from splatsr.resize.levels import to_tensor
from splatsr.runs.configuration import CONF

Y, RGB = protocol_of("l_pil"), protocol_of("l_pil_div2k")
ALL = {path.stem: protocol_of(path.stem) for path in Path(CONF / "protocol").glob("*.yaml")}


def test_protocol_clamps_shaves_and_does_not_round() -> None:
    image = torch.full((3, 40, 50), 0.5003)
    image[:, :4] = 9.0
    image[:, 20, 20] = 7.0
    prepared = RGB.prepare(image, 3.3)
    assert prepared.shape == (3, 40 - 2 * 10, 50 - 2 * 10)  # ceil(3.3) + 6
    assert prepared.max() == 1
    assert prepared.min().item() == pytest.approx(0.5003)
    assert prepared.dtype == torch.float64
    assert Y.prepare(image, 4).shape == (1, 32, 42)


def test_the_published_test_of_coz_shaves_rows_of_the_images_height() -> None:
    """By its own steps: flat pixels, a view with height and width exchanged, the border off."""
    image, published = torch.rand(3, 40, 64, dtype=torch.float64), ALL["coz_published"]
    flat = image.flatten(1).T.reshape(64, 40, 3)
    expected = flat[11:-11, 11:-11].permute(2, 0, 1)
    assert torch.equal(published.prepare(image, 5), expected)
    square = image[:, :, :40].contiguous()
    assert torch.equal(published.prepare(square, 5), ALL["coz"].prepare(square, 5))
    assert not torch.equal(published.prepare(image, 5).mT, ALL["coz"].prepare(image, 5))
    assert "name 'COZ' for 'COZ-published'" in published.difference(ALL["coz"].describe())
    assert "exchanged" in published.describe()["shave"]
    with pytest.raises(InputError, match="must be .psnr."):
        replace(published, metrics=["psnr", "ssim"])


def test_an_image_too_small_for_the_protocol_is_refused() -> None:
    with pytest.raises(InputError, match="too small for x8"):
        Y.prepare(torch.zeros(3, 26, 90), 8)


def test_basicsr_rounds_to_8_bit_before_it_measures() -> None:
    """Against the same by other code: round, scikit-image's Y (not rounded), peak 255."""
    hr = astronaut()[100:160, 100:180]
    prediction = to_tensor(hr) + 0.02 * torch.randn(3, 60, 80)
    ours = psnr(ALL["b"].prepare(prediction, 4), ALL["b"].prepare(to_tensor(hr), 4))
    levels = np.uint8(np.rint(prediction.clamp(0, 1).numpy().transpose(1, 2, 0).astype(np.float64) * 255))
    error = (rgb2ycbcr(levels) - rgb2ycbcr(hr))[4:-4, 4:-4, 0]
    assert ours.item() == pytest.approx(10 * np.log10(255**2 / (error**2).mean()), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "shaved"), [("l", (4, 12)), ("l_div2k", (10, 18)), ("b", (4, 12)), ("g", (4, 8)), ("d", (0, 0)), ("c", (4, 12))]
)
def test_every_protocol_shaves_by_its_own_rule(name: str, shaved: tuple[int, int]) -> None:
    assert (ALL[name].shave(4), ALL[name].shave(12)) == shaved


def test_protocols_say_what_they_are_and_no_two_are_alike() -> None:
    described = {name: json.loads(json.dumps(protocol.describe())) for name, protocol in ALL.items()}
    for name, protocol in ALL.items():
        assert [other for other in ALL if not protocol.difference(described[other])] == [name]
    assert "not rounded" in described["l"]["rounding"]
    assert "at most 8" in described["g"]["shave"]
    assert described["g"]["metrics"] == ["psnr", "ssim", "lpips", "dists"]
    assert "eight_bit True for False" in Y.difference(described["b"])
    assert "given_lr None for False" in Y.difference({"name": "L-pil", "luminance": True})


def test_a_protocol_knows_how_its_lr_images_are_made() -> None:
    assert Y.low_resolution == LowResolution("pil", given=False, crop="liif")
    assert ALL["l"].low_resolution == replace(Y.low_resolution, given=True)
    assert {protocol.low_resolution.rule for protocol in ALL.values()} == {"pil", "matlab", "torchvision", "camera"}
    with pytest.raises(InputError, match="LR images can be made by"):
        replace(Y, lr="opencv")


def test_the_metrics_of_a_protocol_are_plain_whatever_they_came_from() -> None:
    assert isinstance(Y, Protocol)
    assert Y.metrics == ("psnr", "ssim")
