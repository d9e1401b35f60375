"""That a refused command leaves no folder is seen in test_wrong_input; here is what else is kept and what is not."""

import logging
import os
import sys
from collections.abc import Callable
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


@pytest.mark.parametrize(
    ("kind", "resolver", "choice", "begin"),
    [
        ("run", "run_folder", "${run_folder:train,null,null}", NewFolders.on_run_start),
        ("run", "run_folder", "${run_folder:train,null,auto}", NewFolders.on_run_start),
        ("sweep", "multirun_folder", "${multirun_folder:null}", NewFolders.on_multirun_start),
    ],
)
def test_two_that_begin_in_the_same_second_have_a_folder_each(
    kind: str, resolver: str, choice: str, begin: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    register_resolvers()
    chosen = [OmegaConf.create({"hydra": {kind: {"dir": choice}}}) for _ in range(2)]
    for config in chosen:
        assert config.hydra[kind].dir  # both have chosen before either begins
        OmegaConf.get_cache(config)[resolver] = dict.fromkeys(OmegaConf.get_cache(config)[resolver], "outputs/now")
    for config in chosen:
        begin(NewFolders(), config)
    folders = [Path(config.hydra[kind].dir) for config in chosen]
    assert folders == [Path("outputs/now"), Path(f"outputs/now-{os.getpid()}")]
    assert all(folder.is_dir() for folder in folders)
    remove_unused()
    assert [folder.is_dir() for folder in folders] == [True, False]


def test_a_run_that_goes_on_keeps_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    register_resolvers()
    begun = tmp_path / "outputs/train/default/begun"
    begun.mkdir(parents=True)
    (begun / "config.yaml").write_text("job: {_target_: splatsr.jobs.train.train}")
    config = OmegaConf.create({"resume": "auto", "hydra": {"run": {"dir": "${run_folder:train,null,auto}"}}})
    NewFolders().on_run_start(config)
    assert config.hydra.run.dir == "outputs/train/default/begun"
