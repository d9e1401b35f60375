"""Every model turns LR images into something that renders at any size."""

import pytest
import torch

from composed import MODELS, settings_of
from splatsr.checkpoints.build import build
from splatsr.image.continuous_image import ContinuousImage

QUICKER = {"gaussianimage": ["model.fitting.steps=2"]}


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_every_model_returns_a_continuous_image(name: str) -> None:
    model = build(settings_of(f"model={name}", *QUICKER.get(name, []))["model"]).eval()
    image = model(torch.rand(2, 3, 5, 7))
    assert isinstance(image, ContinuousImage)
    assert image.size == (5, 7)
    assert image.render(scale=3.3).shape == image.render(size=(16, 23)).shape == (2, 3, 16, 23)
    assert image.render(scale=(1, 2.5)).shape == (2, 3, 5, 18)
    assert isinstance(model.has_weights, bool)
    assert isinstance(model.rendering, str)

    of_one_pixel = model(torch.rand(1, 3, 1, 1)).render(scale=4)
    assert of_one_pixel.shape == (1, 3, 4, 4)
    assert of_one_pixel.isfinite().all()
