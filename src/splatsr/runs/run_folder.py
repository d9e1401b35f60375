"""What a run leaves behind to explain itself: resolved configuration, seed, versions, commit, results."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.runs.machine import processor

_PACKAGES = ("torch", "torchvision", "lightning", "hydra-core", "torchmetrics", "numba", "numpy", "pillow", "splatsr")
_MAY_DIFFER = ("resume", "run_dir", "logger", "pictures", "metrics")
_HARDWARE = ("workers", "cache")


def describe_run(run_dir: Path, settings: Mapping[str, Any], *, rendering: str) -> None:
    """Writes config.yaml (every value, resolved) and env.txt (seed, command, versions, commit, machine, rendering mode)."""
    run_dir.mkdir(parents=True, exist_ok=True)
    write_text(run_dir / "config.yaml", yaml.safe_dump(dict(settings), sort_keys=False))
    lines = {
        "command": " ".join(sys.argv),
        "seed": settings["seed"],
        "commit": _commit(),
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
        "rendering": rendering,
        "machine": f"{processor()}, {os.cpu_count()} cores",
    }
    write_text(run_dir / "env.txt", "".join(f"{name}: {value}\n" for name, value in lines.items()))


def check_same_settings(run_dir: Path, settings: Mapping[str, Any], *, only: Sequence[str] | None = None) -> None:
    """Before resuming: the run must have been started with the same configuration, or the same values below the keys `only`.

    Raises:
        InputError: `run_dir` is no run, or values differ; they are named.
    """
    recorded = run_dir / "config.yaml"
    if not recorded.is_file():
        raise InputError(f"{run_dir} is not a run that can be resumed (there is no {recorded.name} in it).")
    before, now = (_flat(values) for values in (yaml.safe_load(recorded.read_text()), dict(settings)))
    below = None if only is None else tuple(f"{key}." for key in only)
    compared = [key for key in {**before, **now} if below is None or f"{key}.".startswith(below)]
    differing = [key for key in compared if before.get(key) != now.get(key)]
    if differing:
        shown = ", ".join(f"{key} was {before.get(key)} and is {now.get(key)}" for key in differing[:4])
        raise InputError(
            f"{run_dir} was started with other settings: {shown}. Give the same ones, or start anew without resume."
        )


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if (not prefix and key in _MAY_DIFFER) or key in _HARDWARE:
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
