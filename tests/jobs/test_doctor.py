import logging
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from splatsr.data.known_sets import KNOWN_SETS
from splatsr.image_files.writing import write_image
from splatsr.jobs import doctor as doctor_job
from splatsr.runs.command_line import main
from splatsr.splatting import choice


def renderers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The table "What draws images" of a machine with one device: what is said of each renderer."""
    monkeypatch.setattr(choice, "_asked", "auto")
    monkeypatch.setattr(choice, "_chosen", {})
    doctor_job.doctor(data={"root": ".", "test_root": ".", "cache": None})
    table = capsys.readouterr().out.split("What draws images\n")[1].split("\n\n")[0]
    rows = [line.split(maxsplit=2) for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == ["triton", "gsplat", "cpu", "reference"]
    assert len({row[1] for row in rows}) == 1
    return {row[0]: row[2] for row in rows}


@pytest.fixture
def one_cuda_device(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str | None]], None]:
    """Called with what is wrong with every renderer that is installed: as if that were so on a CUDA device."""

    def have(faults: dict[str, str | None]) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "a device")
        monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
        monkeypatch.setattr(torch.cuda, "device", lambda index: torch.device("cpu"))
        monkeypatch.setattr(choice, "_fault", lambda name, device: faults[name])
        for module in (choice, doctor_job):
            monkeypatch.setattr(module, "is_installed", lambda name: name in faults)

    return have


@pytest.mark.parametrize(
    ("faults", "triton", "gsplat", "cpu"),
    [
        ({"triton": None, "gsplat": None}, "draws, and passed its test", "not needed", "not needed"),
        ({"triton": None}, "draws, and passed its test", "not installed", "not needed"),
        (
            {"triton": "all is black", "gsplat": None},
            "fails its test: all is black",
            "draws, and passed its test",
            "not needed",
        ),
        ({"triton": "all is black", "gsplat": "no nvcc"}, "fails its test: all is black", "fails its test: no nvcc", "draws"),
        ({"triton": "all is black"}, "fails its test: all is black", "not installed", "draws"),
        ({}, "not installed", "not installed", "draws"),
    ],
    ids=["all right", "no gsplat", "Triton wrong", "both wrong", "Triton wrong, no gsplat", "neither"],
)
def test_what_draws_on_a_cuda_device_and_why(
    faults: dict[str, str | None], triton: str, gsplat: str, cpu: str, one_cuda_device: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.ERROR)
    one_cuda_device(faults)
    assert renderers(monkeypatch, capsys) == {"triton": triton, "gsplat": gsplat, "cpu": cpu, "reference": "for tests: slow"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="of machines without a GPU")
def test_what_draws_without_a_cuda_device(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor_job, "is_installed", lambda name: name == "gsplat")
    said = {"triton": "not installed", "gsplat": "for CUDA devices", "cpu": "draws", "reference": "for tests: slow"}
    assert renderers(monkeypatch, capsys) == said


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
    assert not list(tmp_path.glob("outputs/**/*.json")), "it only looks"
