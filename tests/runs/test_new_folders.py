"""That a refused command leaves no folder is seen in test_wrong_input; here is what else is kept and what is not."""

import logging
import os
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from splatsr.runs.command_line import main
from splatsr.runs.folders import register_resolvers
from splatsr.runs.new_folders import NewFolders, remove_unused


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


def test_two_multiruns_of_the_same_second_have_a_folder_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    register_resolvers()
    chosen = [OmegaConf.create({"hydra": {"sweep": {"dir": "${multirun_folder:null}"}}}) for _ in range(2)]
    for config in chosen:
        assert config.hydra.sweep.dir  # both have chosen before either begins
        OmegaConf.get_cache(config)["multirun_folder"] = dict.fromkeys(
            OmegaConf.get_cache(config)["multirun_folder"], "outputs/multirun/now"
        )
    for config in chosen:
        NewFolders().on_multirun_start(config)
    folders = [Path(config.hydra.sweep.dir) for config in chosen]
    assert folders[0] == Path("outputs/multirun/now")
    assert folders[1] == Path(f"outputs/multirun/now-{os.getpid()}")
    assert all(folder.is_dir() for folder in folders)
    remove_unused()
    assert [folder.is_dir() for folder in folders] == [True, False]
