"""Runs that are there already, for jobs that put their results together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splatsr.errors import InputError

OUTPUTS = Path("outputs")
"""Where runs lie unless hydra.run.dir says otherwise."""


def check_runs(runs: Any) -> list[str]:
    """The folders; InputError unless they are a list of them."""
    if isinstance(runs, str) or not isinstance(runs, Sequence) or not runs:
        raise InputError(f"runs must be a list of folders such as [outputs/train/ours/<time>]; got {runs!r}.")
    return [str(folder) for folder in runs]
