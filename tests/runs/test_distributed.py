"""A training over two processes is the training of one: same crops, same gradients, same files, each written once."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from splatsr.errors import InputError
from splatsr.runs.command_line import main
from splatsr.runs.configuration import CONF
from splatsr.runs.folders import run_folder, slurm_nodes
from tiny_runs import make_archive

TWO = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32-true"]


def start(arguments: list[str], folder: Path) -> subprocess.Popen:
    command = [sys.executable, str(CONF.parent / "run.py"), *arguments, f"hydra.run.dir={folder}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def logged(folder: Path, version: int, name: str) -> dict[int, float]:
    """{step: value} of one column of the run's metrics."""
    with (folder / f"logs/version_{version}/metrics.csv").open() as file:
        return {int(row["step"]): float(row[name]) for row in csv.DictReader(file) if row[name]}


@pytest.mark.slow
@pytest.mark.timeout(900)  # five processes are started
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_two_processes_on_an_archive_killed_and_resumed_end_where_one_on_a_folder_does(
    tiny_run: list[str], photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*tiny_run, "data.batch_size=4", "trainer.log_every_n_steps=1"]
    archived = [*settings, *TWO, "data.shards=true", f"data.train={make_archive(photographs)}"]
    one, two = tmp_path / "one", tmp_path / "two"
    last = two / "checkpoints/last.ckpt"
    with start(archived, two) as together:
        while not last.exists() and together.poll() is None:
            time.sleep(0.005)
        together.kill()  # the first process alone: the other has to notice
        together.communicate(timeout=60)  # returns when both have closed their output
    assert 0 < torch.load(last, weights_only=True)["global_step"] < 12, "killed too late to show anything"

    with start([*archived, f"resume={two}"], two) as together:
        monkeypatch.setattr(sys, "argv", ["run.py", *settings, f"hydra.run.dir={one}"])
        assert main() == 0
        output = together.communicate(timeout=400)[0]
    assert together.returncode == 0, output
    assert output.count("PSNR-Y (dB), protocol L-pil") == 1
    assert sorted(path.name for path in (two / "logs").iterdir()) == ["version_0", "version_1"]
    assert not list(two.rglob("*.partial"))

    alone, shared = (load_file(folder / "model.safetensors") for folder in (one, two))
    assert alone.keys() == shared.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(shared[name], tensor, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    for name in ("train/loss", "val/psnr"):
        expected, seen = logged(one, 0, name), logged(two, 0, name) | logged(two, 1, name)
        assert max(seen) == max(expected) == 11
        assert seen == pytest.approx({step: expected[step] for step in seen}, rel=1e-4)
    alone, shared = (json.loads((folder / "metrics.json").read_text())["sets"]["photographs"]["x2"] for folder in (one, two))
    assert shared["images"] == 3
    assert shared == pytest.approx(alone, rel=1e-4)


def test_every_task_of_a_slurm_job_finds_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_STEP_NUM_TASKS": "8", "SLURM_JOB_ID": "70", "SLURM_STEP_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    assert run_folder("train", "ours", None) == "outputs/train/ours/slurm-70-1"
    assert run_folder("train", "ours", "elsewhere") == "elsewhere"


def test_processes_that_something_else_started_need_a_folder_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="give hydra.run.dir=<folder>"):
        run_folder("train", "ours", None)


def test_outside_a_slurm_job_its_trainer_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(InputError, match="srun python run.py"):
        slurm_nodes()
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_NNODES", "2")
    assert slurm_nodes() == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_method_whose_steps_leave_parameters_alone_trains_on_two_processes(tmp_path: Path) -> None:
    """CLIT, whose later stages small scales do not need."""
    small = [
        "data.batch_size=2",
        "data.scale_range=[2,4]",
        "model.width=32",
        "supervision.count=256",
        "scales=[2]",
        "pictures=0",
    ]
    short = ["trainer.max_epochs=1", "data.batches_per_epoch=3", "data.validation_scales=[]"]
    with start(["experiment=clit", "debug=tiny", *TWO, *small, *short], tmp_path / "run") as training:
        output = training.communicate(timeout=400)[0]
    assert training.returncode == 0, output
