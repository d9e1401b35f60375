import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from splatsr.data.known_sets import KNOWN_SETS
from splatsr.image_files.writing import write_image
from splatsr.runs.command_line import main


def test_what_is_there_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    sets = ("Set5/HR/baby", "Set5/LR_bicubic/X2/babyx2", "Set14/HR/a", "Set14/HR/b", "Set14/LR_bicubic/X2/ax2")
    for folder in ("DIV2K/DIV2K_train_HR/1", *sets):
        write_image(tmp_path / f"sets/{folder}.png", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(sys, "argv", ["run.py", "job=doctor", "data=div2k", "data.root=sets"])
    assert main() == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["div2k", "1", "0", "of", "1", "folders", "sets/DIV2K/DIV2K_train_HR"] in lines
    assert ["sa1b", "missing", "sets/SA-1B/<archives>.tar"] in lines
    assert ["coz", "missing", "sets/COZ/train_LR/<scene>/<images>"] in lines
    assert ["coz", "missing", "sets/COZ/test_HR/<images>;", "LR:", "sets/COZ/test_LR/<scene>/<images>"] in lines
    for folder in ("norain", "rain"):
        assert ["rain200h", "missing", f"sets/Rain200H/train/{folder}/<images>"] in lines
    assert ["rain200h", "missing", "sets/Rain200H/test/norain/<images>;", "LR:", "sets/Rain200H/test/rain/X2/<images>"] in lines
    assert ["set5", "1", "x2", "sets/Set5/HR"] in lines
    (set14,) = (line for line in lines if line[:1] == ["set14"])
    assert set14[1] == "wrong"
    assert "sets/Set14/HR/b.png" in set14
    found = {line[0]: line[1] for line in lines[lines.index([]) :] if len(line) > 1}
    assert {name for name in KNOWN_SETS if found[name] == "missing"} == set(KNOWN_SETS) - {"set5", "set14"}
    printed = {line[0]: line[1:] for line in lines if line}
    assert printed["W&B"][:2] == ["no", "key:"]
    assert printed["torch"]
    assert printed["cpu"] == (["cpu", "draws"] if not torch.cuda.is_available() else ["cuda:0", "not", "needed"])
    assert {"triton", "gsplat", "reference"} <= printed.keys()
    assert not list(tmp_path.glob("outputs/**/*.json")), "it only looks"
