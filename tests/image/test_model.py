from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules

import pytest

from composed import settings_of
from splatsr import models
from splatsr.checkpoints.build import build
from splatsr.image.model import Model

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
