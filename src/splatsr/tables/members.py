"""The members of a multirun (or of any folder of runs), grouped into cells: what was varied, means and spreads over seeds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from splatsr.disk.read_back import read_yaml
from splatsr.errors import InputError
from splatsr.metrics.figure import MODEL, select
from splatsr.metrics.record import Record, read_record

_COMMON = ("seed", "resume")
"""Keys in which the members of a cell may differ."""


class MeanFigure(NamedTuple):
    """A metric of a model on a whole test set, over runs that differ in nothing but the seed.

    `deviation` is the standard deviation of a sample, 0 for a single run.
    """

    set_name: str
    scale: float
    metric: str
    mean: float
    deviation: float
    runs: int


@dataclass(frozen=True)
class Member:
    """One run.

    Attributes:
        folder: of the run.
        overrides: what was asked of it {key: text}.
        record: its metrics.json; None as long as there is none.
        state: finished, unfinished, running (or interrupted), or failed and how.
    """

    folder: Path
    overrides: dict[str, str]
    record: Record | None
    state: str


@dataclass(frozen=True)
class Cell:
    """Members that differ in nothing but the seed; `values` are those of the varied keys."""

    values: dict[str, str]
    members: list[Member]

    @property
    def name(self) -> str:
        """The values, shortly: published, inf; the keys are the table's headings."""
        return ", ".join(self.values.values()) or "all"

    @property
    def finished(self) -> list[Member]:
        """The members that have been evaluated."""
        return [member for member in self.members if member.record is not None]

    @property
    def records(self) -> list[Record]:
        """Their metrics.json."""
        return [member.record for member in self.members if member.record is not None]

    def figures(self) -> list[MeanFigure]:
        """Of the finished members' models, every metric on every set at every scale; bicubic's figures are left out."""
        values: dict[tuple[str, float, str], list[float]] = {}
        for record in self.records:
            for figure in select(record.evaluation.figures, method=MODEL):
                values.setdefault((figure.set_name, figure.scale, figure.metric), []).append(figure.value)
        return [MeanFigure(*key, *_mean_and_deviation(found), len(found)) for key, found in values.items()]


def read_members(folder: Path) -> list[Member]:
    """All runs below `folder`, at any depth, in the order of their folders' numbers or names.

    Raises:
        InputError: there are none, or a metrics.json is damaged.
    """
    found = sorted(folder.glob("**/overrides.yaml"), key=lambda path: (path.parents[1], _natural(path.parent.name)))
    if not found:
        raise InputError(f"{folder} holds no runs; expected a multirun's folder, with <member>/overrides.yaml in it.")
    return [_member(path.parent) for path in found]


def cells(members: Sequence[Member], keys: Sequence[str] | None = None) -> list[Cell]:
    """Members by the values of `keys`; None: of all that differ between members, but for the seed."""
    if keys is None:
        every = dict.fromkeys(key for member in members for key in member.overrides if key not in _COMMON)
        keys = [key for key in every if len({member.overrides.get(key) for member in members}) > 1]
    grouped: dict[tuple[str, ...], list[Member]] = {}
    for member in members:
        grouped.setdefault(tuple(member.overrides.get(key, "") for key in keys), []).append(member)
    return [Cell(dict(zip(keys, values, strict=True)), group) for values, group in grouped.items()]


def _member(folder: Path) -> Member:
    overrides = read_yaml(folder / "overrides.yaml")
    if not isinstance(overrides, list) or not all(isinstance(one, str) for one in overrides):
        raise InputError(f"{folder}/overrides.yaml is damaged: it is no list of what was asked of the run.")
    record = folder / "metrics.json"
    recorded_state = folder / "state.yaml"
    if record.is_file() or not recorded_state.is_file():
        state = "finished" if record.is_file() else "unfinished"
    else:
        content = read_yaml(recorded_state)
        if not isinstance(content, dict):
            raise InputError(f"{recorded_state} is damaged: it does not say how the run ended.")
        state = ": ".join(map(str, content.values()))
    return Member(
        folder,
        dict(override.lstrip("+~").split("=", 1) for override in overrides if "=" in override),
        read_record(record) if record.is_file() else None,
        state,
    )


def _mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Where a figure is infinite, or none, so is the mean, and no number says by how much figures deviate from it."""
    mean = sum(values) / len(values)
    if not math.isfinite(mean):
        return mean, 0.0 if len(values) == 1 else math.nan
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (-1, name)
