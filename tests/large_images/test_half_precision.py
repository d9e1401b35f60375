import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import nn

from splatsr import load
from splatsr.image.model import Model
from splatsr.large_images import half_precision
from splatsr.large_images.half_precision import precision_for
from splatsr.models.bicubic import Bicubic

CPU = torch.device("cpu")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """What counts as a large image here, on a device that has bfloat16."""
    monkeypatch.setattr(half_precision, "LARGE", 100 * 90)
    monkeypatch.setattr(half_precision, "has_bfloat16", lambda device: True)
    return np.ascontiguousarray(astronaut()[:100, 180:270])


def test_a_large_image_takes_bfloat16_and_the_model_keeps_its_precision(large: np.ndarray) -> None:
    model = load("tiny")
    assert precision_for(model, large, CPU) == torch.bfloat16
    assert model.precision == torch.float32
    assert precision_for(model, (large // 2).astype(np.uint16) * 257, CPU) == torch.bfloat16


def test_small_images_other_processors_and_models_without_networks_stay_in_float32(
    large: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("tiny")
    assert precision_for(model, large[:-1], CPU) == torch.float32
    assert precision_for(Bicubic(), large, CPU) == torch.float32
    monkeypatch.setattr(half_precision, "has_bfloat16", lambda device: False)
    assert precision_for(model, large, CPU) == torch.float32


def test_a_model_that_would_move_by_levels_stays_in_float32(large: np.ndarray) -> None:
    model: Model = load("tiny")
    with torch.no_grad():
        for layer in model.encoder.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.mul_(3)  # values in the hundreds, whose eight bits are levels
    assert precision_for(model, large, CPU) == torch.float32


def test_an_image_narrower_than_the_crop(large: np.ndarray) -> None:
    assert precision_for(load("tiny"), large.reshape(900, 10, 3), CPU) == torch.bfloat16
