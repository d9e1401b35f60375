import os
import subprocess
import sys
from pathlib import Path

import pytest

from composed import protocol_of
from splatsr.pictures.training import read_curves
from splatsr.runs.configuration import CONF
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
