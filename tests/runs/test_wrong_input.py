"""Wrong input answers in one clear line with exit code 1, no traceback, and nothing half-done left behind."""

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from splatsr.checkpoints.files import read_model
from splatsr.image_files.writing import write_image
from splatsr.runs.command_line import main

Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Runs a command line in an empty folder, checks that it fails as it should, and returns the one line."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
        assert main() == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        left = [path.name for path in home.rglob("*") if path.is_file() and ".hydra" not in path.parts]
        assert not [name for name in left if not name.endswith(".log")]
        return lines[0]

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    write_image(path, np.full((20, 30, 3), 100, np.uint8))
    return path


def test_a_missing_folder(refused: Refused, tiny_run: list[str]) -> None:
    assert "nowhere does not exist" in refused(*tiny_run, "data.train=nowhere")
    assert "nowhere does not exist" in refused("job=evaluate", "model=bicubic", "data=folder", "data.test=nowhere")


def test_an_empty_folder(refused: Refused, tiny_run: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refused(*tiny_run, f"data.train={tmp_path / 'empty'}")


def test_supervision_that_does_not_fit_the_method(refused: Refused, tiny_run: list[str]) -> None:
    assert "a GaussianField renders whole images only; use supervision=crops" in refused(*tiny_run, "supervision=queries")
    own_scales = ["data.patch_of=lr", "data.patch=8", "data.scale_per=crop"]
    assert "set data.scale_per=batch or supervision=queries" in refused(*tiny_run, *own_scales)


def test_no_folder_at_all(refused: Refused) -> None:
    assert "set data.train=" in refused("experiment=tiny", "data=folder")
    assert "set data.test=" in refused("job=evaluate", "model=bicubic", "data=folder")


def test_a_truncated_png_is_named(refused: Refused, tiny_run: list[str], photographs: Path) -> None:
    victim = photographs / "1.png"
    victim.write_bytes(victim.read_bytes()[:-500])
    line = refused(*tiny_run)
    assert "1.png is damaged" in line


def test_an_image_smaller_than_the_crop(refused: Refused, tiny_run: list[str]) -> None:
    assert "0.png is 70x60 pixels, smaller than the training crop of 64x64" in refused(*tiny_run, "data.patch=64")


def test_a_text_file_called_png(refused: Refused, tiny_run: list[str], photographs: Path) -> None:
    (photographs / "letter.png").write_text("Dear reviewer")
    assert "letter.png is not an image" in refused(*tiny_run)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("data.pach=3", "data.patch"), ("optimiser.lr=1", "optimizer.lr"), ("trainer.max_epoch=3", "trainer.max_epochs")],
)
def test_an_unknown_key_suggests_the_nearest(refused: Refused, typo: str, meant: str) -> None:
    line = refused("experiment=quickstart", typo)
    assert "unknown configuration key" in line
    assert repr(meant) in line


def test_an_unknown_option_suggests_the_nearest(refused: Refused) -> None:
    assert "did you mean 'quickstart'?" in refused("experiment=quickstat")
    assert "did you mean 'bicubic'?" in refused("model=bicubik")
    assert "a group takes the name of one of its options" in refused("model=null")
    assert "dictionary" in refused("model/shapes=regressed", "model/shapes/dictionary=normal")
    assert "nothing reads model.foo" in refused("experiment=quickstart", "+model.foo=1")
    assert "callbacks.last is left out" in refused("experiment=quickstart", "callbacks=[progress]")
    assert "data.batch_size must be a whole number from 1" in refused("experiment=quickstart", "data.batch_size=0")
    assert "frame/small exchanges model/initialisation" in refused("experiment=ablation/offset_range", "model=bicubic")


@pytest.mark.parametrize(
    "setting", ["scale=0", "scale=abc", "scale=-2", "scale=[2,0]", "scale=[1,2,3]", "size=[0,5]", "size=7"]
)
def test_impossible_scales_and_sizes(refused: Refused, tiny_file: Path, photo: Path, setting: str) -> None:
    key = setting.split("=")[0]
    line = refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=big.png", setting)
    assert f"error: {key} must be" in line


def test_impossible_tiles(refused: Refused, tiny_file: Path, photo: Path) -> None:
    line = refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=big.png", "scale=2", "tile=0")
    assert "tile must be one of auto, or a whole number from 1 to 2147483647; got 0" in line


def test_both_or_neither_of_scale_and_size(refused: Refused, tiny_file: Path, photo: Path) -> None:
    command = ["job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=big.png"]
    assert "give either size or scale" in refused(*command)
    assert "give either size or scale" in refused(*command, "scale=2", "size=[5,5]")


@pytest.mark.parametrize("scales", ["[0]", "[abc]", "[]", "[2,0.5]"])
def test_impossible_evaluation_scales(refused: Refused, scales: str) -> None:
    assert "scale" in refused("job=evaluate", "model=bicubic", f"scales={scales}")


def test_an_unknown_metric_and_a_protocol_that_needs_other_images(refused: Refused, tiny_run: list[str]) -> None:
    assert "there is no metric 'mse'; metrics are psnr, ssim" in refused("job=evaluate", "model=bicubic", "metrics=[mse]")
    assert "there is no metric 'mse'" in refused(*tiny_run, "metrics=[mse]")
    assert "has given LR files for no scale at all, not for x2" in refused("job=evaluate", "model=bicubic", "protocol=b")
    assert "has given LR files for no scale at all, not for x2" in refused(*tiny_run, "protocol=b")


def test_an_output_beyond_memory(refused: Refused, tiny_file: Path, photo: Path) -> None:
    line = refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=big.png", "scale=100000")
    assert "the 3000000x2000000 pixels of the output need about" in line


def test_an_output_that_exists_is_not_overwritten(refused: Refused, tiny_file: Path, photo: Path, tmp_path: Path) -> None:
    existing = tmp_path / "taken.png"
    existing.write_bytes(b"precious")
    line = refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", f"output={existing}", "scale=2")
    assert "exists already" in line
    assert existing.read_bytes() == b"precious"


def test_an_output_that_cannot_be_written(refused: Refused, tiny_file: Path, photo: Path) -> None:
    assert "cannot write .gif" in refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=a.gif", "scale=2")


def test_a_model_without_weights(refused: Refused, photo: Path) -> None:
    assert "set checkpoint=" in refused("job=upscale", f"input={photo}", "output=big.png", "scale=2")
    assert "no weights to train" in refused("model=bicubic")


def test_a_checkpoint_of_another_architecture_names_the_tensors(refused: Refused, tiny_run: list[str], tiny_file: Path) -> None:
    line = refused(*tiny_run, f"checkpoint={tiny_file}", "model.encoder.blocks=2")
    assert "body.1.body.0.weight is missing" in line
    assert "tensors differ" in line


def test_a_file_that_contradicts_itself_names_the_tensors(refused: Refused, tiny_file: Path, photo: Path) -> None:
    config, tensors = read_model(tiny_file)
    tensors["encoder.head.0.weight"] = torch.zeros(9, 3, 3, 3)
    tensors["extra"] = torch.zeros(1)
    save_file(tensors, tiny_file, metadata={"splatsr": __import__("json").dumps({"model": config})})
    line = refused("job=upscale", f"checkpoint={tiny_file}", f"input={photo}", "output=big.png", "scale=2")
    assert "2 tensors differ" in line
    assert "extra is not part of the model" in line
    assert "encoder.head.0.weight is (9, 3, 3, 3) in the file and (8, 3, 3, 3) in the model" in line


class Trap:
    """Unpickling it would create a file."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch trapped",)


@pytest.mark.parametrize("torch_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused(refused: Refused, photo: Path, tmp_path: Path, torch_format: bool) -> None:
    trap = tmp_path / "trap.ckpt"
    if torch_format:
        torch.save({"state_dict": {}, "splatsr": Trap()}, trap)
    else:
        trap.write_bytes(pickle.dumps(Trap()))
    line = refused("job=upscale", f"checkpoint={trap}", f"input={photo}", "output=big.png", "scale=2")
    assert "trap.ckpt is refused" in line
    assert not Path("trapped").exists()


def test_a_configuration_that_names_foreign_code_is_refused(refused: Refused, photo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.safetensors"
    for target in ("os.system", "splatsr.models.bicubic.torch.load", "splatsr.heads.mlp.nn"):
        config = {"model": {"_target_": target, "command": "touch trapped"}}
        save_file({"weight": torch.zeros(1)}, trap, metadata={"splatsr": __import__("json").dumps(config)})
        line = refused("job=upscale", f"checkpoint={trap}", f"input={photo}", "output=big.png", "scale=2")
        assert "refusing to build it" in line or "does not exist in this version" in line


@pytest.mark.parametrize("name", ["cut.safetensors", "cut.ckpt"])
def test_a_truncated_checkpoint(refused: Refused, tiny_file: Path, photo: Path, tmp_path: Path, name: str) -> None:
    whole, cut = tmp_path / "whole.ckpt", tmp_path / name
    torch.save({"state_dict": {"model.a": torch.zeros(1000)}}, whole)
    content = (tiny_file if name.endswith("safetensors") else whole).read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    line = refused("job=upscale", f"checkpoint={cut}", f"input={photo}", "output=big.png", "scale=2")
    assert f"{name} is damaged" in line


def test_a_run_resumed_with_other_settings(refused: Refused, tiny_run: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints/last.ckpt").touch()
    (folder / "config.yaml").write_text("job: {_target_: splatsr.jobs.train.train}\nseed: 3\n")
    assert "seed was 3 and is 0" in refused(*tiny_run, f"resume={folder}")
    assert "no config.yaml there" in refused(*tiny_run, f"resume={tmp_path / 'elsewhere'}")
    assert "holds an unfinished run already" in refused(*tiny_run, f"hydra.run.dir={folder}")


def test_a_finished_run_is_not_overwritten(refused: Refused, tiny_run: list[str], tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    (tmp_path / "done/metrics.json").write_text("{}")
    assert "finished already" in refused(*tiny_run, f"hydra.run.dir={tmp_path / 'done'}")
