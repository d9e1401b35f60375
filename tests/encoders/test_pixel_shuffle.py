import pytest
import torch

from splatsr.encoders.pixel_shuffle import STAGES, pixel_shuffles


@pytest.mark.parametrize("upscale", STAGES)
def test_the_grid_gets_upscale_times_as_fine(upscale: int) -> None:
    x = torch.rand(2, 6, 3, 5)
    assert pixel_shuffles(channels=6, out_channels=6, upscale=upscale)(x).shape == (2, 6, 3 * upscale, 5 * upscale)


def test_impossible_factors_are_refused() -> None:
    with pytest.raises(ValueError, match="upscale must be one of"):
        pixel_shuffles(channels=6, out_channels=6, upscale=5)


def test_without_a_tail_widths_must_agree() -> None:
    assert len(pixel_shuffles(channels=6, out_channels=6, upscale=1)) == 0
    with pytest.raises(ValueError, match="out_channels must equal channels"):
        pixel_shuffles(channels=6, out_channels=8, upscale=1)
