import os
from pathlib import Path

import pytest

from splatsr.disk.folder_lock import hold
from splatsr.errors import InputError
from splatsr.runs import folders
from splatsr.runs.folders import multirun_folder, run_folder, slurm_nodes, why_anew


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SLURM") or name == "WORLD_SIZE"]:
        monkeypatch.delenv(name)


def begun(folder: str, *, when: int, finished: bool = False, checkpoint: bool = True) -> Path:
    home = Path("outputs/train/ours") / folder
    (home / "checkpoints").mkdir(parents=True)
    worked_on = [home / "config.yaml", *([home / "checkpoints/last.ckpt"] if checkpoint else [])]
    for path in worked_on:
        path.touch()
        os.utime(path, (when, when))
    if finished:
        (home / "metrics.json").touch()
    return home


def test_a_new_run_does_not_take_a_folder_that_exists() -> None:
    first = Path(run_folder("train", "ours", None))
    assert first.parent == Path("outputs/train/ours")
    first.mkdir(parents=True)
    second = Path(run_folder("train", "ours", None))
    assert second != first
    assert Path(run_folder("evaluate", None, None)).parent == Path("outputs/evaluate/default")


def test_auto_takes_the_unfinished_run_that_was_worked_on_last() -> None:
    begun("old", when=100)
    begun("new", when=200)
    begun("done", when=300, finished=True)
    assert run_folder("train", "ours", "auto") == "outputs/train/ours/new"
    assert Path(run_folder("train", "other", "auto")).parent == Path("outputs/train/other"), "none: a new one"
    assert run_folder("train", "ours", "outputs/train/ours/old") == "outputs/train/ours/old"
    best = "outputs/train/ours/old/checkpoints/epoch001-psnr30.000.ckpt"
    assert run_folder("train", "ours", best) == "outputs/train/ours/old"
    with pytest.raises(InputError, match="resume=x.ckpt: expected a checkpoint in a run's folder"):
        run_folder("train", "ours", "x.ckpt")


def test_auto_takes_a_run_that_was_killed_before_its_first_checkpoint() -> None:
    begun("early", when=200, checkpoint=False)
    begun("old", when=100)
    assert run_folder("train", "ours", "auto") == "outputs/train/ours/early"


def test_auto_does_not_join_a_run_that_is_still_going(monkeypatch: pytest.MonkeyPatch) -> None:
    begun("old", when=100)
    monkeypatch.setattr(folders, "PATIENCE", 0.0)
    with hold(begun("new", when=200)):
        assert run_folder("train", "ours", "auto") == "outputs/train/ours/old"
    assert run_folder("train", "ours", "auto") == "outputs/train/ours/new"


def test_all_tasks_of_a_slurm_step_choose_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    monkeypatch.setenv("SLURM_JOB_ID", "71")
    monkeypatch.setenv("SLURM_STEP_ID", "2")
    assert run_folder("train", "ours", None) == "outputs/train/ours/slurm-71-2"


def test_tasks_that_are_late_go_on_with_what_the_first_one_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the first task works in a run, `auto` would take it for in use; of two tasks each would train another run."""
    run, older = begun("new", when=200), begun("old", when=100)
    for name, value in (("STEP_NUM_TASKS", "2"), ("JOB_ID", "71"), ("STEP_ID", "0")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setattr(folders, "PATIENCE", 0.0)
    monkeypatch.setattr(folders, "AGREEMENT", 0.2)
    monkeypatch.setenv("SLURM_PROCID", "1")
    with pytest.raises(InputError, match=r"the first task of slurm-71-0 has not said within 0 s .* resume=<folder>"):
        run_folder("train", "ours", "auto")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert run_folder("train", "ours", "auto") == str(run)
    monkeypatch.setenv("SLURM_PROCID", "1")
    with hold(run):
        assert run_folder("train", "ours", "auto") == str(run) != str(older)

    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")  # queued again: what was found before holds no longer
    with pytest.raises(InputError, match="has not said"):
        run_folder("train", "ours", "auto")
    for done in (run, older):
        (done / "metrics.json").touch()
    for task in ("0", "1"):
        monkeypatch.setenv("SLURM_PROCID", task)
        assert run_folder("train", "ours", "auto") == "outputs/train/ours/slurm-71-0", "nothing to go on with"


def test_processes_of_torchrun_need_a_folder_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"give hydra.run.dir=<folder>"):
        run_folder("train", "ours", None)


def test_a_multirun_is_resumed_by_its_own_folder(tmp_path: Path) -> None:
    assert Path(multirun_folder("auto")).parent == Path("outputs/multirun")
    with pytest.raises(InputError, match="no multirun.yaml there"):
        multirun_folder(str(tmp_path))
    (tmp_path / "multirun.yaml").touch()
    assert multirun_folder(str(tmp_path)) == str(tmp_path)


def test_nodes_are_those_of_slurm_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="trainer=slurm is for processes that Slurm started"):
        slurm_nodes()
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv("SLURM_NNODES", "3")
    assert slurm_nodes() == 3


def test_why_a_run_begins_anew(tmp_path: Path) -> None:
    new = tmp_path / "home/new"
    assert why_anew(new, "train") == f"there is no earlier run in {tmp_path}/home"
    for name in ("a", "b", "c"):
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name / "config.yaml").touch()
    (tmp_path / "home/a/metrics.json").touch()
    assert why_anew(new, "train") == f"no run in {tmp_path}/home is unfinished and free (1 finished, 2 in use)"
