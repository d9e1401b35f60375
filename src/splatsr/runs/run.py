"""A run of a job: its folder, its settings, and what it leaves behind to explain itself."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.runs.folders import Traces
from splatsr.runs.machine import processor

_PACKAGES = ("torch", "torchvision", "lightning", "hydra-core", "torchmetrics", "numba", "numpy", "pillow", "splatsr")
_MAY_DIFFER = ("resume", "run_dir", "logger", "metrics")
_WITHOUT_EFFECT = ("workers", "cache", "pictures")
"""Root keys, and keys at any depth, that do not change what is trained."""


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
        """None, "auto", or the folder to go on in (which is `folder` then)."""
        return self.settings["resume"]

    def goes_on(self, traces: Traces, *, same: Sequence[str] | None = None) -> bool:
        """Whether the run goes on with what is in its folder.

        Args:
            traces: by which an unfinished and a finished run are known.
            same: keys below which the settings must be those that the run began with; None: all that change the result.

        Raises:
            InputError: going on, or beginning, would lose or mix up something.
        """
        if (self.folder / traces.finished).exists():
            raise InputError(f"{self.folder} is finished already (it has a {traces.finished}); nothing is overwritten.")
        unfinished = (self.folder / traces.begun).exists()
        if self.resume is None and unfinished:
            raise InputError(
                f"{self.folder} holds an unfinished run already; go on with resume={self.folder} or choose another folder."
            )
        if self.resume not in (None, "auto") and not unfinished:
            raise InputError(f"resume={self.resume}: no {traces.begun} there; expected the folder of an unfinished run.")
        if self.resume is None or not unfinished:
            return False
        self._check_same_settings(same)
        return True

    def describe(self, *, rendering: str) -> None:
        """Writes config.yaml (every value, resolved) and env.txt (seed, command, versions, commit, machine, rendering mode)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "config.yaml", yaml.safe_dump(dict(self.settings), sort_keys=False))
        lines = {
            "command": " ".join(sys.argv),
            "seed": self.seed,
            "commit": _commit(),
            "python": platform.python_version(),
            **{package: _version(package) for package in _PACKAGES},
            "rendering": rendering,
            "machine": f"{processor()}, {os.cpu_count()} cores",
        }
        write_text(self.folder / "env.txt", "".join(f"{name}: {value}\n" for name, value in lines.items()))

    def _check_same_settings(self, same: Sequence[str] | None) -> None:
        recorded = self.folder / "config.yaml"
        if not recorded.is_file():
            raise InputError(f"{self.folder} is not a run that can be resumed (there is no {recorded.name} in it).")
        before, now = (_flat(values) for values in (yaml.safe_load(recorded.read_text()), dict(self.settings)))
        below = None if same is None else tuple(f"{key}." for key in same)
        compared = [key for key in {**before, **now} if below is None or f"{key}.".startswith(below)]
        differing = [key for key in compared if before.get(key) != now.get(key)]
        if differing:
            named = ", ".join(f"{key} was {before.get(key)} and is {now.get(key)}" for key in differing[:4])
            raise InputError(
                f"{self.folder} was started with other settings: {named}. Give the same ones, or start anew without resume."
            )


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a.b": value} of everything that changes a result."""
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if (not prefix and key in _MAY_DIFFER) or key in _WITHOUT_EFFECT:
            continue
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    here = Path(__file__).parent
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown (not a git checkout)"
