from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules

import numpy as np
import pytest
import torch

from composed import settings_of
from splatsr import InputError, models
from splatsr.checkpoints.build import build
from splatsr.image.model import Model
from splatsr.models.bicubic import Bicubic

METHODS = [module.name for module in iter_modules(models.__path__)]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_results_and_training_ask(method: str) -> None:
    (found,) = [
        one for _, one in getmembers(import_module(f"splatsr.models.{method}"), isclass)
        if issubclass(one, Model) and one is not Model
    ]  # fmt: skip
    assert found.__bases__ == (Model,)
    assert isinstance(found.has_weights, bool)


@pytest.mark.parametrize("method", ["bicubic", "gaussianimage", "liif", "gaussiansr"])
def test_models_name_their_rendering_and_take_whole_images_by_default(method: str) -> None:
    model = build(settings_of(f"model={method}")["model"])
    assert model.rendering
    assert model.tiling is None
    assert not model.may_collapse


def test_a_model_must_say_how_it_renders() -> None:
    with pytest.raises(NotImplementedError):
        _ = Model().rendering


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((1, 3, 4, 4)), "got ndarray. splatsr.upscale takes"),
        (torch.zeros(3, 4, 4), r"got the shape \(3, 4, 4\): lr.None. makes a batch of one"),
        (torch.zeros(1, 4, 4, 3), r"got the shape \(1, 4, 4, 3\)"),
        (torch.zeros(1, 3, 0, 4), "got the shape"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), r"got uint8: lr.float\(\) / 255"),
        (torch.full((1, 3, 4, 4), 200.0), "got values from 200 to 200"),
        (torch.full((1, 3, 4, 4), torch.nan), "got values from nan"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Bicubic().eval()(wrong)


def test_values_that_resizing_has_moved_a_little_are_images() -> None:
    Bicubic().eval()(torch.tensor([-0.1, 1.1, 0.5]).reshape(1, 3, 1, 1))
