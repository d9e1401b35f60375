"""A run of a job: its folder, its settings, and what it leaves behind to explain itself."""

import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr import __version__
from splatsr.disk.read_back import read_text, read_yaml
from splatsr.disk.whole_file import write_text, write_yaml
from splatsr.errors import InputError
from splatsr.runs.machine import hardware

CONFIG, OVERRIDES = "config.yaml", "overrides.yaml"
"""What a run began with: every value, resolved; and what was asked of it on the command line."""

FINISHED = {
    "train": "metrics.json",
    "evaluate": "metrics.json",
    "fit_prior": "statistics.json",
    "sensitivity": "sensitivity.json",
    "benchmark": "benchmark.md",
}
"""The result that a run of a job writes last, by the job's name: a run that has it is finished."""

_PACKAGES = ("torch", "torchvision", "lightning", "hydra-core", "torchmetrics", "numba", "numpy", "pillow")


@dataclass(frozen=True)
class Run:
    """What every job is told about the run that it is part of.

    Attributes:
        folder: where results go.
        settings: the whole configuration, plain values.
    """

    folder: Path
    settings: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.settings["seed"]

    @property
    def resume(self) -> str | None:
        """None, "auto", or the folder to go on in (which is `folder` then), or a checkpoint in it."""
        return self.settings["resume"]

    @property
    def job(self) -> str:
        """The job's name."""
        return job_of(self.settings)

    @property
    def finished(self) -> Path:
        """The result that is there when the run is finished."""
        return self.folder / FINISHED[self.job]

    def begins(self) -> None:
        """For jobs that do not go on: InputError where the folder holds another run, or a finished one."""
        before = recorded_settings(self.folder)
        if before is not None and job_of(before) != self.job:
            raise InputError(f"{self.folder} holds a run of job={job_of(before)}; nothing is mixed, choose another folder.")
        lost = next((name for name in ("checkpoints", "fields") if before is None and (self.folder / name).exists()), None)
        if lost is not None:
            raise InputError(f"{self.folder} holds {lost} of a run, but no {CONFIG}; nothing is mixed, choose another folder.")
        if self.finished.exists():
            raise InputError(
                f"{self.folder} is finished already (it has a {self.finished.name}); nothing is overwritten: choose another "
                "folder."
            )

    def goes_on(self, *, same: Sequence[str], longer: str | None = None, watching: tuple[str, ...] = ()) -> bool:
        """Whether the run goes on with what is in its folder.

        Args:
            same: settings, or parts of them, that must be those that the run began with, because they change the result.
            longer: the one of them that may be larger; with that, a finished run goes on too.
            watching: how the `_target_` begins of parts in them that change nothing, and may be others.

        Raises:
            InputError: going on, or beginning, would lose or mix up something.
        """
        if rank_zero_only.rank != 0:  # type: ignore[attr-defined] # kept on the function; the first process checks for all
            return self.resume is not None
        before = recorded_settings(self.folder)
        if before is None and self.resume not in (None, "auto"):
            raise InputError(f"resume={self.resume}: no {CONFIG} there; expected the folder of a run.")
        extended = before is not None and longer is not None and _larger(before, self.settings, longer)
        if before is None or job_of(before) != self.job or not extended:
            self.begins()
        if before is None:
            return False
        if self.resume is None:
            raise InputError(
                f"{self.folder} holds an unfinished run already; go on with resume={self.folder} or choose another folder."
            )
        self._check_same(before, [key for key in same if not (extended and key == longer)], watching)
        return True

    def describe(self, *, rendering: str, device: str | None = None) -> None:
        """Writes config.yaml, overrides.yaml and env.txt (seed, command, versions, commit, machine, rendering mode, device).

        A run that goes on gets another paragraph in env.txt, and keeps its overrides.yaml.
        """
        write_yaml(self.folder / CONFIG, dict(self.settings))
        if not (self.folder / OVERRIDES).exists():
            asked = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
            write_yaml(self.folder / OVERRIDES, [str(one) for one in asked])
        lines = {
            "date": time.strftime("%Y-%m-%d %H:%M:%S"),
            "command": " ".join(sys.argv),
            "seed": self.seed,
            "commit": _commit(),
            "python": platform.python_version(),
            "splatsr": __version__,
            **{package: _version(package) for package in _PACKAGES},
            "rendering": rendering,
            "machine": hardware(),
            **({} if device is None else {"device": device}),
        }
        environment = self.folder / "env.txt"
        earlier = read_text(environment).rstrip() + "\n\n" if environment.is_file() else ""
        write_text(environment, earlier + "".join(f"{name}: {value}\n" for name, value in lines.items()))

    def last_device(self) -> str | None:
        """The device that env.txt names last: where the run has been so far; None where it names none."""
        environment = self.folder / "env.txt"
        named = re.findall("(?m)^device: (.*)$", read_text(environment)) if environment.is_file() else []
        return named[-1] if named else None

    def _check_same(self, before: Mapping[str, Any], same: Sequence[str], watching: tuple[str, ...]) -> None:
        old, new = (_flat(_without(_only(settings, same), watching)) for settings in (before, self.settings))
        differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        if differing:
            named = ", ".join(f"{key} was {old.get(key)} and is {new.get(key)}" for key in differing[:4])
            raise InputError(
                f"{self.folder} was started with other settings: {named}. Give the same ones, or start anew without resume."
            )


def job_of(settings: Mapping[str, Any]) -> str:
    """The name of the job that the settings choose; "" where they choose none."""
    job = settings.get("job")
    return str(job.get("_target_")).rpartition(".")[2] if isinstance(job, Mapping) else ""


def recorded_settings(folder: Path) -> dict[str, Any] | None:
    """What config.yaml of a run's folder says, None where there is none; InputError where it is damaged."""
    recorded = folder / CONFIG
    if not recorded.exists():
        return None
    settings = read_yaml(recorded)
    if not isinstance(settings, dict) or not job_of(settings):
        raise InputError(f"{recorded} is damaged: it is not the configuration of a run.")
    return settings


def _only(settings: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """{key: value} of the dotted keys that are there."""
    return {key: value for key in keys if (value := _value(settings, key)) is not None}


def _without(node: Any, targets: tuple[str, ...]) -> Any:
    """The same without parts whose `_target_` begins like one of these, at any depth."""

    def stays(value: Any) -> bool:
        return not (targets and isinstance(value, Mapping) and str(value.get("_target_")).startswith(targets))

    if isinstance(node, Mapping):
        return {key: _without(value, targets) for key, value in node.items() if stays(value)}
    return [_without(value, targets) for value in node if stays(value)] if isinstance(node, list) else node


def _value(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _larger(before: Mapping[str, Any], now: Mapping[str, Any], key: str) -> bool:
    old, new = _value(before, key), _value(now, key)
    return isinstance(old, int) and isinstance(new, int) and (new > old)


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a.b": value} of nested settings."""
    flat: dict[str, Any] = {}
    for key, value in node.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    here = Path(__file__).parent
    if (here.parent / "conf").is_dir():  # installed; a repository around it is somebody else's
        return "unknown (not a git checkout)"
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown (not a git checkout)"
