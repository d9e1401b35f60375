"""A refused command leaves no folder behind: those that Hydra makes for runs and multiruns are removed where they are empty."""

import contextlib
import os
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from splatsr.disk.folder_lock import missing_folders, remove_empty
from splatsr.errors import InputError
from splatsr.runs.folders import slurm_tasks
from splatsr.runs.run import CONFIG

MULTIRUN = "multirun.yaml"
"""What Hydra writes into a multirun's folder before the first member."""

_made: list[Path] = []
_folder: Path | None = None


class NewFolders(Callback):
    """Hydra calls it, see conf/run.yaml."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Remembers which folders are missing now, and makes a new run's own: one of the same second takes another."""
        _remember(config, "run.dir")
        if slurm_tasks() == 1:  # else it is one folder for all tasks
            _take_own(config, "run", "run_folder:")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Remembers which folders are missing now, and makes a new multirun's own: one of the same second takes another."""
        _remember(config, "sweep.dir")
        _take_own(config, "sweep", "multirun_folder:")


def _take_own(config: DictConfig, kind: str, resolver: str) -> None:
    """Makes the folder that `resolver` has chosen for a new run or multirun, and puts another in its place if it is there."""
    chosen = OmegaConf.to_container(config.hydra[kind], resolve=False)
    if _folder is None or not (isinstance(chosen, dict) and resolver in str(chosen["dir"])):
        return
    if OmegaConf.select(config, "resume") not in (None, "auto") or (_folder / CONFIG).exists():  # it goes on there
        return
    with read_write(config), open_dict(config), contextlib.suppress(OSError):  # Hydra tries once more, and says why it cannot
        config.hydra[kind].dir = str(_claimed(_folder))


def _claimed(folder: Path) -> Path:
    """The folder, or one of a similar name where another process has made it a moment ago; it is there now."""
    global _folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        folder = folder.with_name(f"{folder.name}-{os.getpid()}")
        _made[:] = missing_folders(folder)
        folder.mkdir()
    _folder = folder
    return folder


def folder_in_work() -> Path:
    """The folder of the run or multirun; before there is one, the working directory."""
    return _folder or Path.cwd()


def remove_unused() -> None:
    """Removes those that this command line has made for nothing."""
    if _made and [path.name for path in _made[0].glob("*")] == [MULTIRUN]:
        (_made[0] / MULTIRUN).unlink()
    remove_empty(_made)
    _made.clear()


def _remember(config: DictConfig, key: str) -> None:
    global _folder
    _made.clear()
    try:
        _folder = Path(str(OmegaConf.select(config.hydra, key)))
    except (OmegaConfBaseException, InputError):  # the command itself says what is wrong
        return
    _made.extend(missing_folders(_folder))
