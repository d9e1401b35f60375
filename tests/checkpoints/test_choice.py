from pathlib import Path

import pytest
import torch
from torch import nn

from composed import settings_of
from splatsr.checkpoints.choice import choose_device, choose_model, choose_precision, device_of
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


def test_precisions_are_known_and_fit_the_device(tiny_file: Path) -> None:
    cpu = torch.device("cpu")
    assert choose_precision("auto", cpu) == choose_precision("float32", cpu) == torch.float32
    for precision, message in (("half", "auto, float32, bf16 or fp16"), ("fp16", "for GPUs")):
        with pytest.raises(InputError, match=message):
            choose_precision(precision, cpu)
    model = choose_model(str(tiny_file), settings_of("model=bicubic")["model"], "cpu", "bf16")
    assert model.precision == torch.bfloat16


def test_bfloat16_that_a_processor_emulates_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert choose_precision("bf16", torch.device("cpu")) == torch.bfloat16
    assert "takes longer than float32" in caplog.text
