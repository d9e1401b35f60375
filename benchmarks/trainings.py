"""Trainings one beside the other, each on one core; what a finished one measured is kept, and not trained again."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from section import HERE

SECONDS = "processor seconds of the training"
"""The key beside the figures of metrics.json."""


@dataclass(frozen=True)
class Training:
    """One run: what it is called, how `run.py` is told to do it, its folder, and the file that keeps its figures."""

    title: str
    overrides: tuple[str, ...]
    folder: Path
    measured: Path

    def run(self, common: Sequence[str], measuring: Sequence[str]) -> None:
        """Trains and measures, unless that is done; goes on with what was begun."""
        if self.measured.exists():
            return
        results, weights = self.folder / "measured", self.folder / "model.safetensors"
        begun, spent = (self.folder / "config.yaml").exists(), 0.0
        if not weights.exists():
            where = f"resume={self.folder}" if begun else f"hydra.run.dir={self.folder}"
            spent = _call(*common, *self.overrides, "data.validation_scales=[]", "pictures=0", where)
        _call("job=evaluate", f"checkpoint={weights}", *measuring, "pictures=0", f"hydra.run.dir={results}")
        figures = json.loads((results / "metrics.json").read_text().replace(f"{Path.cwd()}/", ""))
        figures[SECONDS] = None if begun else round(spent)
        self.measured.parent.mkdir(parents=True, exist_ok=True)
        self.measured.write_text(json.dumps(figures, indent=2) + "\n")
        print(f"{self.title}: {spent:.0f} s of a core", flush=True)

    def psnr(self) -> dict[str, float]:
        """PSNR-Y by "<set> x<scale>"."""
        sets = json.loads(self.measured.read_text())["sets"]
        return {f"{name} {scale}": values["psnr_y"] for name, scales in sets.items() for scale, values in scales.items()}


def run_all(trainings: Sequence[Training], common: Sequence[str], measuring: Sequence[str], at_once: int = 2) -> None:
    """Every one of them, so many at a time; `common` and `measuring` are overrides of the trainings and of job=evaluate.

    One that fails does not end the others; SystemExit once they are done.
    """
    failed = []

    def run(training: Training) -> None:
        try:
            training.run(common, measuring)
        except subprocess.CalledProcessError as error:
            print(f"{training.title} failed:\n{error.stderr}", flush=True)
            failed.append(training.title)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(run, trainings))
    if failed:
        raise SystemExit(f"{len(failed)} of {len(trainings)} failed: {', '.join(failed)}")


def _call(*overrides: str) -> float:
    """Runs `run.py` with one thread; the processor seconds that it took."""
    command = [sys.executable, str(HERE.parent / "run.py"), *overrides]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=errors)
    return used.ru_utime + used.ru_stime
