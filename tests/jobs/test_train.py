import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

import splatsr
from composed import settings_of
from splatsr.disk.folder_lock import hold
from splatsr.errors import InputError
from splatsr.jobs import train as train_job
from splatsr.runs.command_line import main
from splatsr.runs.configuration import CONF
from tiny_runs import make_photographs, tiny_overrides
from zoomed_scenes import write_scenes

RUN = CONF.parent / "run.py"


pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:Checkpoint directory .* is not empty"
)  # Lightning's; runs do not show them


def start(arguments: list[str], folder: Path) -> subprocess.Popen:
    """A process of its own, to be killed; with as many threads as `finish`."""
    return subprocess.Popen(
        [sys.executable, str(RUN), *arguments, f"hydra.run.dir={folder}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 150
    while not path.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)


def finish(arguments: list[str], folder: Path) -> dict[str, torch.Tensor]:
    torch.set_num_threads(1)  # a fixture of the module comes before that of every test; sums depend on the number
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(RUN), *arguments, f"hydra.run.dir={folder}"])
        assert main() == 0
    return load_file(folder / "model.safetensors")


def assert_bitwise_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    photographs = make_photographs(tmp_path_factory.mktemp("home") / "photographs")
    return [*tiny_overrides(photographs), "trainer.log_every_n_steps=4"]


@pytest.fixture(scope="module")
def whole_run(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, finish(tiny, folder)


def test_a_run_is_repeatable_with_workers_and_explains_itself(
    whole_run: tuple[Path, dict[str, torch.Tensor]], tiny: list[str], tmp_path: Path
) -> None:
    folder, weights = whole_run
    again = [argument for argument in tiny if "workers" not in argument]
    assert_bitwise_equal(weights, finish([*again, "data.workers=2"], tmp_path / "again"))

    settings = yaml.safe_load((folder / "config.yaml").read_text())
    assert settings["seed"] == 0
    assert settings["model"]["encoder"]["channels"] == 8
    assert {"seed", "commit", "torch", "command"} <= {
        line.split(":")[0] for line in (folder / "env.txt").read_text().splitlines()
    }
    results = json.loads((folder / "metrics.json").read_text())
    row = results["sets"]["photographs"]["x2"]
    assert set(row) == {"psnr_y", "ssim_y", "bicubic_psnr_y", "bicubic_ssim_y", "images"}
    assert results["protocol"]["name"] == "L-pil"
    assert results["rendering"] == "footprint below x2, exact from there"
    assert "rendering: footprint below x2" in (folder / "env.txt").read_text()
    assert results["model"]["encoder"] == "EDSR"
    assert results["checkpoint"] == str(folder / "model.safetensors")
    assert (folder / "logs/version_0/metrics.csv").read_text().startswith("epoch,")

    model = splatsr.load(folder / "model.safetensors")
    checkpoint = splatsr.load(folder / "checkpoints/last.ckpt")
    assert not model.training
    assert_bitwise_equal(dict(model.state_dict()), weights)
    assert_bitwise_equal(dict(checkpoint.state_dict()), weights)  # both hold the averaged weights after the last epoch
    content = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert content["splatsr"]["model"]["_target_"] == "splatsr.models.continuoussr.ContinuousSR"


def test_a_renderer_that_is_asked_for_is_tested_before_anything_is_written(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = []

    def refuses(device: torch.device) -> None:
        devices.append(device.type)
        raise InputError("renderer=gsplat fails its test")

    monkeypatch.setattr(train_job, "check_asked", refuses)
    monkeypatch.setattr(train_job, "decode", lambda *_, **__: pytest.fail("the photographs are decoded first"))
    folder = tmp_path / "run"
    arguments = [*tiny, "trainer.accelerator=cpu", f"hydra.run.dir={folder}"]
    monkeypatch.setattr(sys, "argv", [str(RUN), *arguments])
    assert main() != 0
    assert "renderer=gsplat fails its test" in capsys.readouterr().err
    assert devices == ["cpu"], "where the training would draw"
    assert not [path for path in folder.rglob("*") if path.name in ("config.yaml", "env.txt", "checkpoints")]


@pytest.mark.parametrize("data", ["shards", "coz", "photos"])
def test_a_setting_of_the_data_is_compared_on_resume_or_known_to_change_no_crop(data: str) -> None:
    watching = {"cache", "licence", "low_resolution", "root", "test", "test_root", "validation_scales", "workers"}
    compared = {name.removeprefix("data.") for name in train_job.TRAINED_WITH if name.startswith("data.")}
    assert set(settings_of(f"data={data}")["data"]) - {"_target_"} == compared | watching


@pytest.mark.slow
def test_a_training_on_real_pairs_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    """Which pair of a scene is drawn belongs to the epoch, whatever ran before and however many workers there are."""
    settings = [
        "experiment=coz/lmi", "debug=tiny", "data=coz", f"data.root={write_scenes(tmp_path)}", "data.patch=16",
        "data.scale_range=[1,16]", "data.validation_scales=[]", "scales=[2]", "protocol=d", "supervision.count=64",
        "model.encoder.channels=8", "model.encoder.out_channels=8", "model.encoder.blocks=1",
        "trainer.check_val_every_n_epoch=1",
    ]  # fmt: skip
    whole = finish([*settings, "trainer.max_epochs=2"], tmp_path / "whole")
    first = finish([*settings, "trainer.max_epochs=1"], tmp_path / "parts")
    parts = [*settings, "trainer.max_epochs=2", "data.workers=2", f"resume={tmp_path / 'parts'}"]
    assert_bitwise_equal(whole, finish(parts, tmp_path / "parts"))
    assert any(not torch.equal(first[name], whole[name]) for name in whole)


def test_a_killed_run_resumes_to_the_same_weights(
    whole_run: tuple[Path, dict[str, torch.Tensor]], tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "killed"
    process = start(tiny, folder)
    wait_for(folder / "checkpoints/last.ckpt", process)
    os.kill(process.pid, signal.SIGKILL)  # in the middle of the second epoch, or thereabouts
    process.communicate()
    assert not (folder / "model.safetensors").exists()
    reached = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert 0 < reached < 12, "killed too late to show anything"

    process = start([*tiny, "data.workers=2", f"resume={folder}"], folder)
    wait_for(folder / "logs/version_1", process)
    with pytest.raises(InputError, match=rf"is in use by process {process.pid} on "), hold(folder):
        pass
    os.killpg(process.pid, signal.SIGTERM)  # loader processes get it too
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143
    assert output.splitlines()[-1].startswith("ended by SIGTERM; a training")
    assert "Traceback" not in output
    assert "(so far" not in output

    environment = folder / "env.txt"
    environment.write_text(environment.read_text().replace(" 1 thread; ", " 64 threads; "))
    assert_bitwise_equal(whole_run[1], finish([*tiny, "data.workers=2", f"resume={folder}"], folder))
    assert sorted(path.name for path in (folder / "logs").iterdir()) == ["version_0", "version_1", "version_2"]
    assert not list(folder.rglob("*.partial"))
    assert re.search(r"1 thread; precision 32-true \(so far .*, 64 threads; .* not bit for bit\)", capsys.readouterr().out)

    for result in ("metrics.json", "model.safetensors"):  # as if killed between the last epoch and the evaluation
        (folder / result).unlink()
    assert_bitwise_equal(whole_run[1], finish([*tiny, f"resume={folder}"], folder))
