import hashlib
from pathlib import Path

import pytest

from splatsr import InputError
from splatsr.released import weights_file as module
from splatsr.released.catalogue import catalogue, public_files
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


def test_a_public_file_is_fetched_by_name_and_must_be_the_known_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, asked = b"weights", []
    (tmp_path / "file.pth").write_bytes(content)
    monkeypatch.setattr(module, "fetch", lambda reference: asked.append(reference) or tmp_path / "file.pth")
    with pytest.raises(InputError, match="is not the file that this package knows as 'hat_srx4'"):
        weights_file("hat_srx4")
    known = public_files()["hat_srx4"]._replace(sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(module, "public_files", lambda: {"hat_srx4": known})
    assert weights_file("hat_srx4") == tmp_path / "file.pth"
    assert asked == ["hf:Acly/hat/HAT_SRx4_ImageNet-pretrain.pth"] * 2


def test_a_folder_with_a_model_stands_for_it(tmp_path: Path) -> None:
    assert weights_file(str(tmp_path)) == tmp_path  # refused by whoever opens it
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert weights_file(str(tmp_path)) == weights_file(tmp_path) == tmp_path / "model.safetensors"
