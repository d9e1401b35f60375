import os
import subprocess
import sys
from pathlib import Path

import lightning
import pytest

from composed import protocol_of, settings_of
from splatsr.data.module import PhotoData
from splatsr.pictures.training import read_curves
from splatsr.runs.configuration import CONF, instantiate
from splatsr.training.callbacks.dashboard import Dashboard


@pytest.mark.slow
def test_a_run_logs_and_draws_what_a_dashboard_needs(tiny_run: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = [*tiny_run, "pictures=1", "trainer.log_every_n_steps=2", "logger=wandb", f"hydra.run.dir={folder}"]
    done = subprocess.run(
        [sys.executable, str(CONF.parent / "run.py"), *arguments],
        env={**os.environ, "WANDB_MODE": "offline"}, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    curves = read_curves(folder)
    assert {"train/loss", "train/gradient_norm", "train/images_per_second", "val/psnr", "val/psnr_best"} <= set(curves)
    assert all(value > 0 for _, value in curves["train/images_per_second"])
    assert curves["val/psnr_best"][-1][1] == pytest.approx(max(value for _, value in curves["val/psnr"]))
    drawn = sorted(path.name for path in (folder / "pictures/validation").iterdir())
    assert drawn[-2:] == ["photographs-0-x2-step000012-field.png", "photographs-0-x2-step000012.png"]
    assert len(drawn) == 6
    assert {"training.png", "page.png", "psnr.png", "photographs-0-x2.png"} <= {path.name for path in folder.glob("pictures/*")}
    media = next(folder.glob("wandb/offline-run-*/files/media"))
    assert {path.parent.relative_to(media).as_posix() for path in media.rglob("*.*")} == {
        "images/val/strip", "images/val/field", "images/test/pictures", "table/test"
    }  # fmt: skip


def test_the_best_figure_survives_resuming() -> None:
    before, after = (Dashboard(protocol=protocol_of("l_pil"), pictures=1) for _ in range(2))
    before.best = 31.0
    after.load_state_dict(before.state_dict())
    assert after.best == 31.0


@pytest.mark.parametrize("nothing", [("data.test=null",), ("data.validation_scales=[]",), ("data.test=[]",)])
def test_where_nothing_is_validated_nothing_is_drawn(nothing: tuple[str], photographs: Path, tmp_path: Path) -> None:
    settings = settings_of("data=folder", f"data.test={photographs}", "data.validation_scales=[2]", *nothing)
    data: PhotoData = instantiate(settings["data"], "data")
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False, default_root_dir=tmp_path
    )
    trainer.datamodule = data  # type: ignore[attr-defined] # Lightning sets it without declaring it
    Dashboard(protocol=protocol_of("l_pil"), pictures=1).on_validation_epoch_end(trainer, lightning.LightningModule())
    assert not (tmp_path / "pictures").exists()
