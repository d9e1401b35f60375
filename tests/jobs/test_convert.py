import hashlib
import sys
from pathlib import Path

import pytest
import torch

from composed import settings_of
from golden import golden_weights, read_golden
from splatsr import InputError, load
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.jobs.convert import convert
from splatsr.runs.command_line import main


@pytest.fixture
def published_file(tmp_path: Path) -> Path:
    metadata = read_golden("continuoussr-edsr")[1]
    path = tmp_path / "ContinuousSR.pth"
    torch.save({"model": {**metadata["constructor"], "sd": golden_weights(metadata)}}, path)
    return path


def test_a_published_file_becomes_ours_with_a_card(
    published_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "job=convert", "checkpoint=ContinuousSR.pth", "output=new/ours.safetensors"])
    assert main() == 0
    assert "ContinuousSR.pth -> new/ours.safetensors and new/ours.md (5,537,797 parameters)" in capsys.readouterr().out
    one, other = load(published_file).state_dict(), load("new/ours.safetensors").state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    card = Path("new/ours.md").read_text()
    for fact in (
        "# ours\n",
        "ContinuousSR with the encoder EDSR, 5,537,797 parameters",
        "| `ContinuousSR.pth` |",
        hashlib.sha256(published_file.read_bytes()).hexdigest(),
        "CC BY-NC 4.0",
        'splatsr.load("ours.safetensors")',
    ):
        assert fact in card
    assert str(tmp_path) not in card
    assert sorted(path.name for path in Path("new").iterdir()) == ["ours.md", "ours.safetensors"]


def test_nothing_is_overwritten_and_wrong_input_leaves_nothing(tiny_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "model.safetensors"
    convert(checkpoint=str(tiny_file), output=str(output))
    weights = output.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        convert(checkpoint=str(tiny_file), output=str(output))
    assert output.read_bytes() == weights
    output.unlink()
    with pytest.raises(InputError, match=r"model\.md exists already"):
        convert(checkpoint=str(tiny_file), output=str(output))
    with pytest.raises(InputError, match="cannot write .pth"):
        convert(checkpoint=str(tiny_file), output=str(tmp_path / "a.pth"))
    with pytest.raises(InputError, match="no such file"):
        convert(checkpoint=str(tmp_path / "absent.pth"), output=str(tmp_path / "new" / "a.safetensors"))
    with pytest.raises(InputError, match="job=convert needs"):
        convert(checkpoint=None, output="a.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tiny.safetensors"]


def test_a_model_without_encoder_converts_too(tmp_path: Path) -> None:
    config = settings_of("model=bicubic")["model"]
    save_model(build(config), config, tmp_path / "bicubic.safetensors")
    convert(checkpoint=str(tmp_path / "bicubic.safetensors"), output=str(tmp_path / "again.safetensors"))
    assert "| encoder | `none` |" in (tmp_path / "again.md").read_text()
