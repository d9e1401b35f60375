from pathlib import Path

import pytest

from splatsr import InputError
from splatsr.released import weights_file as module
from splatsr.released.catalogue import catalogue
from splatsr.released.weights_file import weights_file


def test_a_known_name_is_that_model_whatever_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny").touch()
    Path("mine").touch()
    assert weights_file("tiny") == catalogue()["tiny"].path
    assert weights_file("./tiny") == Path("tiny")
    assert weights_file("mine") == Path("mine")
    assert weights_file(Path("tiny")) == Path("tiny")
    with pytest.raises(InputError, match="there is no model 'yours'"):
        weights_file("yours")


def test_weights_that_did_not_come_along_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "catalogue", lambda: {"large": catalogue()["tiny"]._replace(file="large.safetensors")})
    with pytest.raises(InputError, match="the weights of 'large' did not come with this package"):
        weights_file("large")
