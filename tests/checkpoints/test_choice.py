from pathlib import Path

import pytest
import torch
from torch import nn

from composed import settings_of
from splatsr.checkpoints.choice import choose_device, choose_model, device_of
from splatsr.errors import InputError
from splatsr.models.bicubic import Bicubic


def test_without_a_checkpoint_only_a_model_without_weights_is_of_use() -> None:
    assert isinstance(choose_model(None, settings_of("model=bicubic")["model"], "cpu"), Bicubic)
    with pytest.raises(InputError, match="ContinuousSR has random weights: set checkpoint="):
        choose_model(None, settings_of("model=continuoussr_tiny")["model"], "cpu")


def test_a_checkpoint_says_itself_which_model_it_is(tiny_file: Path) -> None:
    model = choose_model(str(tiny_file), settings_of("model=bicubic")["model"], "cpu")
    assert type(model).__name__ == "ContinuousSR"
    assert not model.training


def test_devices_are_known_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device, message in (("gpu", "auto, cpu, cuda or mps"), ("cuda", "no GPU here"), ("mps", "no Apple GPU here")):
        with pytest.raises(InputError, match=message):
            choose_device(device)


def test_apples_devices_are_taken_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("mps") == torch.device("mps")
    assert choose_device("auto").type != "mps", "nobody has compared it with the CPU"


def test_a_model_is_where_its_parameters_are() -> None:
    assert device_of(nn.Linear(2, 3, device="meta")) == torch.device("meta")
    assert device_of(Bicubic()) == torch.device("cpu"), "it has no parameters"
