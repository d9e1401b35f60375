import json
import os
import re
import subprocess
import sys
from pathlib import Path

import lightning
import pytest
import torch
from lightning.pytorch.loggers import WandbLogger

from composed import protocol_of, settings_of
from splatsr.data.module import PhotoData
from splatsr.image.field import GaussianField
from splatsr.pictures.training import read_curves
from splatsr.runs.configuration import CONF, instantiate
from splatsr.training.callbacks.dashboard import Dashboard, log_page


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
        "images/val/strip", "images/val/field", "images/test/pictures", "table/test", "html/val/zoom"
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


class Recorder(WandbLogger):
    """W&B without W&B."""

    def __init__(self) -> None:
        self.logged: list[tuple[dict, int]] = []

    def log_metrics(self, metrics: dict, step: int) -> None:
        self.logged.append((metrics, step))


@pytest.mark.parametrize(("size", "shown"), [((90, 70), (64, 64)), ((5, 66), (5, 64))])
def test_a_page_shows_the_middle_of_the_field(size: tuple[int, int], shown: tuple[int, int]) -> None:
    count = size[0] * size[1]
    y, x = torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")
    field = GaussianField(
        torch.stack([x, y], -1).view(1, count, 2), torch.full((1, count, 3), 0.4), torch.rand(1, count, 3), size
    )
    recorder = Recorder()
    log_page([recorder], "val/zoom/a-x4", field, torch.rand(3, *size), step=7)
    ((metrics, step),) = recorder.logged
    assert (list(metrics), step) == (["val/zoom/a-x4"], 7)
    page = metrics["val/zoom/a-x4"].html
    facts = json.loads(re.search(r'id="facts">(.*?)</script>', page)[1])
    assert facts["pictures"][0]["size"] == list(shown)
    assert len(page) < 400_000


def test_where_no_page_can_be_made_a_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    field = GaussianField(torch.rand(1, 9, 2) * 3, torch.full((1, 9, 3), 900.0), torch.rand(1, 9, 4), (3, 3))
    recorder = Recorder()
    with caplog.at_level("INFO"):
        log_page([recorder], "val/zoom/a", field, torch.rand(3, 3, 3), step=1)
    assert not recorder.logged
    assert "no page" in caplog.text
