import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from splatsr import InputError

FILE = Path(__file__).parents[2] / "integrations" / "descriptor" / "splatsr_descriptor.py"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("splatsr_descriptor", FILE)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["splatsr_descriptor"] = loaded  # dataclasses look there
    spec.loader.exec_module(loaded)
    return loaded


def host(descriptor: Any, image: np.ndarray) -> np.ndarray:
    """A stand-in for chaiNNer's node: checks what it reads of a descriptor, and converts arrays to tensors and back."""
    assert descriptor.purpose in ("SR", "Restoration")
    assert (descriptor.input_channels, descriptor.output_channels) == (3, 3)
    assert descriptor.size_requirements.none or descriptor.size_requirements.check(image.shape[1], image.shape[0])
    assert descriptor.tiling == "internal"
    descriptor.to("cpu").eval()
    tensor = torch.from_numpy(image.transpose(2, 0, 1)[None]).to(descriptor.device, descriptor.dtype)
    with torch.no_grad():
        made = descriptor(tensor)
    return made[0].numpy().transpose(1, 2, 0)


@pytest.mark.parametrize(("scale", "size"), [(4.0, (36, 48)), (2.7, (24, 32))])
def test_a_host_gets_what_it_asks_for(module: ModuleType, scale: float, size: tuple[int, int]) -> None:
    made = host(module.describe("tiny", scale=scale), np.random.default_rng(0).random((9, 12, 3)).astype(np.float32))
    assert made.shape == (*size, 3)
    assert 0 <= made.min() <= made.max() <= 1


def test_an_exact_size_and_another_scale_without_loading_again(module: ModuleType) -> None:
    descriptor = module.describe("tiny")
    assert descriptor.render(torch.rand(1, 3, 9, 12), width=31, height=17).shape == (1, 3, 17, 31)
    descriptor.scale = 1.5
    assert descriptor(torch.rand(1, 3, 10, 12)).shape == (1, 3, 15, 18)


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_impossible_scales_are_refused(module: ModuleType, scale: float) -> None:
    with pytest.raises(InputError, match="scale must be"):
        module.describe("tiny", scale=scale)
