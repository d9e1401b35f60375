"""A refused command leaves no folder behind: those that Hydra makes for a run are removed where they stay empty."""

import logging
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from splatsr.disk.folder_lock import missing_folders, remove_empty
from splatsr.errors import InputError


class NewFolders(Callback):
    """Hydra calls it, see conf/run.yaml."""

    def __init__(self) -> None:
        self.made: list[Path] = []

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Remembers which folders are missing now."""
        try:
            self.made = missing_folders(Path(config.hydra.run.dir))
        except (OmegaConfBaseException, InputError):  # the run itself says what is wrong
            self.made = []

    def on_run_end(self, config: DictConfig, **_: Any) -> None:
        """Removes those that are empty; a log file that was to be made in one of them is not made later either."""
        remove_empty(self.made)
        root = logging.getLogger()
        for handler in list(root.handlers):
            if isinstance(handler, logging.FileHandler) and not Path(handler.baseFilename).parent.is_dir():
                root.removeHandler(handler)
