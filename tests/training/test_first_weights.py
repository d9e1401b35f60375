"""What job=train starts from: random weights, a model's, or its encoder's."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import read_model, save_model
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError
from splatsr.runs.configuration import CONF, compose
from splatsr.training.first_weights import load_first_weights
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine
from splatsr.training.supervision import OnCrops


def task(config: dict) -> SuperResolution:
    return SuperResolution(
        model_config=config, supervision=OnCrops(), loss=torch.nn.L1Loss(), optimizer=torch.optim.Adam, schedule=cosine, seed=0
    )


def run(arguments: list[str], folder: Path) -> str:
    command = [sys.executable, str(CONF.parent / "run.py"), *arguments, f"hydra.run.dir={folder}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_a_pretrained_encoder_is_read_at_the_start_and_not_again(tiny_run: list[str], tiny_file: Path, tmp_path: Path) -> None:
    public, folder = tmp_path / "public.pth", tmp_path / "run"
    encoder = build(read_model(tiny_file)[0]["encoder"])
    torch.save({"params": encoder.state_dict()}, public)
    one_step = [
        "data.batches_per_epoch=1",
        "trainer.max_epochs=1",
        "optimizer.lr=1e-30",
        "callbacks=without_averaging",
        "schedule.warmup_steps=0",
    ]
    command = [*tiny_run, *one_step, "data.test=null", "data.validation_scales=[]", f"encoder_checkpoint={public}"]
    assert "public.pth: all" in run(command, folder)
    trained = load_file(folder / "model.safetensors")
    assert all(torch.equal(tensor, trained[f"encoder.{name}"]) for name, tensor in encoder.state_dict().items())
    public.unlink()
    assert "public.pth: all" not in run([*command, "trainer.max_epochs=2", f"resume={folder}"], folder)


def test_a_model_and_an_encoder_cannot_both_be_given(tiny_file: Path) -> None:
    with pytest.raises(InputError, match="either checkpoint .* or encoder_checkpoint"):
        load_first_weights(task(read_model(tiny_file)[0]), str(tiny_file), "public.pth")


def test_a_whole_model_is_loaded(tiny_file: Path) -> None:
    config, tensors = read_model(tiny_file)
    loaded = task(config)
    load_first_weights(loaded, str(tiny_file), None)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in loaded.model.state_dict().items())


def test_random_weights_that_collapse_are_announced(
    tiny_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(EDSR, "collapses_from_random", True, raising=False)
    config, _ = read_model(tiny_file)
    config["initialisation"] = {"_target_": "splatsr.heads.initialisation.published", "_partial_": True}
    load_first_weights(task(config), None, None)
    assert "THIS TRAINING WILL PROBABLY COLLAPSE: EDSR starts from random weights" in caplog.text


def test_settings_in_which_a_model_differs_are_named(tiny_file: Path) -> None:
    config, _ = read_model(tiny_file)
    config["encoder"]["channels"] += 2
    channels = config["encoder"]["channels"]
    with pytest.raises(InputError, match=rf"differ: model.encoder.channels is {channels - 2} there and {channels} here\.$"):
        load_first_weights(task(config), str(tiny_file), None)


@pytest.mark.parametrize("with_weights", [True, False])
def test_a_second_stage_without_the_first_is_announced(
    with_weights: bool, tiny_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    second = task(read_model(tiny_file)[0])
    second.turns = second.turns * 2
    load_first_weights(second, str(tiny_file) if with_weights else None, None)
    assert ("THIS TRAINING WILL PROBABLY FAIL: it takes 2 steps" in caplog.text) is not with_weights


def test_parts_that_a_smaller_network_lacks_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = compose(
        "model=clit_one_stage", "model/encoder=edsr_tiny", "model.encoder.out_channels=48", "model.width=16", "model.hidden=[8]"
    )["model"]
    save_model(build(config), config, tmp_path / "lit.safetensors")
    three = task({**config, "stages": 3})
    with caplog.at_level(logging.INFO):
        load_first_weights(three, str(tmp_path / "lit.safetensors"), None)
    assert "tensors loaded; stages.1, stages.2 begin with random weights" in caplog.text


def test_a_model_of_another_method_is_called_that(tiny_file: Path) -> None:
    other = task(settings_of("experiment=compare/lte")["model"])
    with pytest.raises(InputError, match=r"checkpoint=.* is a ContinuousSR, and this trains LTE: choose its experiment"):
        load_first_weights(other, str(tiny_file), None)


def test_what_a_part_is_comes_before_how_large_it_is(tiny_file: Path) -> None:
    config, _ = read_model(tiny_file)
    config["encoder"]["channels"] += 2
    config["shapes"] = settings_of("model=continuoussr_tiny", "model/shapes=regressed_tiny")["model"]["shapes"]
    with pytest.raises(InputError, match=r"differ: model.shapes._target_ is splatsr.heads.ddcw.DDCW there"):
        load_first_weights(task(config), str(tiny_file), None)
