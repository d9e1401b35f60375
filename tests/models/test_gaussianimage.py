import dataclasses

import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.errors import InputError
from splatsr.geometry import Output, Strip
from splatsr.image.continuous_image import StripImage


def gaussianimage(*overrides: str) -> torch.nn.Module:
    return build(settings_of("model=gaussianimage", "model.fitting.steps=40", *overrides)["model"])


@pytest.fixture
def lr() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(10.0), indexing="ij")
    return torch.stack([torch.sin(x / 2), torch.cos(y / 3), torch.sin(x / 4 + y / 5)]).mul(0.4).add(0.5)[None]


def test_it_becomes_the_lr_image(lr: torch.Tensor) -> None:
    with torch.inference_mode():
        image = gaussianimage("model.fitting.steps=300")(lr)
        assert isinstance(image, StripImage)
        assert (image.render(scale=1) - lr).abs().median() < 0.01


@pytest.mark.parametrize("scale", [(4.0, 4.0), (2.0, 3.5)])
def test_the_naive_reading_lies_half_a_pixel_grid_off(lr: torch.Tensor, scale: tuple[float, float]) -> None:
    aligned, naive = gaussianimage()(lr), gaussianimage("model.alignment=naive")(lr)
    size = (round(8 * scale[0]), round(10 * scale[1]))
    shift = torch.tensor([(scale[1] - 1) / 2, (scale[0] - 1) / 2]) / torch.tensor([scale[1], scale[0]])
    moved = dataclasses.replace(aligned, means=aligned.means - shift)  # (s - 1) / 2 output pixels to the upper left
    torch.testing.assert_close(naive.render(scale=scale), moved.render(scale=scale), rtol=1e-4, atol=1e-4)
    strip = Strip(Output(size, scale), (8, 10), (3, 9), 0)
    torch.testing.assert_close(naive.render_strip(strip), naive.render(scale=scale)[:, :, 3:9], rtol=1e-4, atol=1e-4)


def test_an_unknown_alignment_is_refused() -> None:
    with pytest.raises(InputError, match="half_pixel, naive"):
        gaussianimage("model.alignment=centre")
