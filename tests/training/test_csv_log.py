import os
from pathlib import Path

import pytest

from splatsr.pictures.training import read_curves
from splatsr.training.csv_log import CSVLog


def test_a_kill_while_a_column_is_added_loses_no_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = CSVLog(save_dir=str(tmp_path), name="logs")
    log.log_metrics({"train/loss": 0.5}, step=0)
    log.save()
    file = tmp_path / "logs/version_0/metrics.csv"
    before = file.read_bytes()
    seen = []
    monkeypatch.setattr(os, "replace", lambda new, old: seen.append(file.read_bytes()) or os.rename(new, old))
    log.log_metrics({"val/psnr": 30.0}, step=1)
    log.save()
    assert seen == [before], "the file is as it was until the new one takes its name"
    assert file.read_text().splitlines() == ["step,train/loss,val/psnr", "0,0.5,", "1,,30.0"]


def test_a_resumed_run_keeps_the_lines_from_before(tmp_path: Path) -> None:
    for step in (0, 1):
        log = CSVLog(save_dir=str(tmp_path), name="logs")
        log.log_metrics({"train/loss": 0.5 + step}, step=step)
        log.finalize("success")
    assert read_curves(tmp_path) == {"train/loss": [(0, 0.5), (1, 1.5)]}
