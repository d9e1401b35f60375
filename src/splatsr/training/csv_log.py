"""Figures of a training as text: metrics.csv, which only grows."""

import csv
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from splatsr.disk.whole_file import whole_file


class CSVLog(CSVLogger):
    """Lightning's CSV logger, whose file is never without the lines that it had: Lightning writes it anew, in place, when a
    column is added.

    Args:
        save_dir: the run's folder.
        name: of the folder in it. Every part of a resumed run has a folder of its own below: version_0, version_1, ...
    """

    def __init__(self, *, save_dir: str, name: str) -> None:
        super().__init__(save_dir, name=name)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """What writes the file."""
        if self._experiment is None:
            self._experiment = _GrowingFile(self.log_dir)
        return self._experiment


class _GrowingFile(ExperimentWriter):
    """metrics.csv in a folder, which is made."""

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        with open(self.metrics_file_path, newline="") as file:
            rows = list(csv.DictReader(file))
        with whole_file(Path(self.metrics_file_path)) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=fieldnames)
            writer.writeheader()
            writer.writerows(rows)
