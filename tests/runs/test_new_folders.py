"""That a refused command leaves no folder is seen in test_wrong_input; here is what else is kept and what is not."""

import logging
import sys
from pathlib import Path

import pytest

from splatsr.runs.command_line import main


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    return main()


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "job=evaluate", "model=bicubic", "seed=0,1", "hydra.launcher.n_jobs=0"),
        ("-m", "job=evaluate", "model=bicubic", "model.nowhere=0,1"),
        ("job=evaluate", "model=bicubic", "scales=[0]"),
    ],
)
def test_a_refused_run_or_multirun_leaves_no_folder(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(monkeypatch, tmp_path, *arguments) == 1
    assert list(tmp_path.rglob("*")) == []
    logging.getLogger().warning("a log that was to be there is not made later")


def test_a_folder_that_was_there_before_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert run(monkeypatch, tmp_path, "job=evaluate", "model=bicubic", "scales=[0]", "hydra.run.dir=mine/run") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
