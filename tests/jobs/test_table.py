"""job=table: the tables as a command line prints and writes them."""

import logging
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.loggers import WandbLogger

from composed import settings_of
from splatsr.errors import InputError
from splatsr.jobs import table as table_job
from splatsr.runs.command_line import main
from splatsr.runs.run import Run
from toy_runs import paper, toy_run, urban_run


@pytest.fixture
def urban(tmp_path: Path) -> Path:
    return urban_run(tmp_path / "urban")


def run_line(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", ["run.py", "job=table", *arguments])
    return main()


def test_the_job_prints_paper_ours_and_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, urban: Path
) -> None:
    figures = {"DIV2K_valid_HR": {"x4": {"psnr_rgb": 29.81}}}
    other = toy_run(tmp_path / "hat", figures, protocol="l_pil_div2k", encoder="HAT")
    assert run_line(monkeypatch, tmp_path, "table=table1", f"runs=[{urban},{other}]", "hydra.run.dir=out") == 0
    printed = capsys.readouterr().out
    lines = [re.split(r"  +", line) for line in printed.splitlines()]
    assert ["paper", "ContinuousSR, Ours (SwinIR)", "27.65", "25.02"] in [line[:4] for line in lines]
    assert ["ours", f"{urban} (ContinuousSR, SwinIR, 15.9 M)", "27.60", "25.10"] in lines
    assert ["difference", "ours - ContinuousSR, Ours (SwinIR)", "-0.05", "+0.08"] in lines
    assert ["ours", f"{other} (ContinuousSR, HAT, 15.9 M)"] in [line[:2] for line in lines]
    assert "| " not in printed
    assert "| paper | ContinuousSR, Ours (SwinIR) | 27.65 | 25.02 |" in (tmp_path / "out/table1.md").read_text()
    assert "+0.01" in printed
    files = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file())
    assert files == ["table.log", "table1.csv", "table1.md", "table1.tex"]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ([], "choose a table of conf/table/"),
        (["table=table1", "runs=[nowhere]"], "nowhere/metrics.json does not exist"),
        (["table=table1", "runs=[old]"], "old/metrics.json has schema null, expected 2"),
        (["table=table1", "runs=[torn]"], "torn/metrics.json is damaged"),
        (["table=table1", "runs=old"], "runs must be a list of 1 or more texts, or null"),
        (["table=table1", "runs=[rounded]"], "rounded was measured under protocol B, and Urban100 in table1 is protocol L-pil"),
        (["table=table99"], "table=table99 does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], refusal: str
) -> None:
    toy_run(tmp_path / "rounded", {"Urban100": {"x4": {"psnr_y": 27.0}}}, protocol="b")
    for name, content in {"old": '{"Set5": {}}', "torn": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(content)
    assert run_line(monkeypatch, tmp_path, *arguments) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert refusal in line
    assert not [*tmp_path.rglob("*.md"), *tmp_path.rglob("*.tex")]


def test_runs_below_outputs_are_found_and_those_that_do_not_fit_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figures = {"Urban100": {"x4": {"psnr_y": 27.0}}}
    fits = toy_run(tmp_path / "outputs/train/ours/1", figures)
    toy_run(tmp_path / "outputs/evaluate/2", figures, protocol="b")
    (toy_run(tmp_path / "outputs/evaluate/3", figures) / "metrics.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.WARNING)
    runs = table_job._found(paper("table1"))
    assert [run.folder for run in runs] == [fits.relative_to(tmp_path)]
    assert "left out: outputs/evaluate/2 was measured under protocol B" in caplog.text
    assert "left out: outputs/evaluate/3/metrics.json has schema null" in caplog.text


def test_wandb_gets_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, urban: Path) -> None:
    logged: dict[str, Any] = {}

    class Recorder(WandbLogger):
        def __init__(self) -> None:
            pass

        def log_table(self, **content: Any) -> None:
            logged.update(content)

    monkeypatch.setattr(table_job, "open_loggers", lambda *_: nullcontext([Recorder()]))
    settings = settings_of("table=table7", "logger=wandb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="urban has no figure that stands in table7"):
        table_job.table(table=settings["table"], runs=[urban], logger=settings["logger"], run=Run(Path("out"), settings))
    assert not logged
    table_job.table(table=settings["table"], runs=None, logger=settings["logger"], run=Run(Path("out"), settings))
    assert logged["key"] == "table7"
    assert logged["columns"][:3] == ["kind", "method", "Set5 x4"]
    (ours,) = (row for row in logged["data"] if row[1] == "ContinuousSR")
    assert ours[:7] == ["paper", "ContinuousSR", "32.93", "29.67", "27.55", "25.18", "29.18"]
