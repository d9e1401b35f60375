"""The members of a multirun (or of any folder of runs), grouped into cells: what was varied, means and spreads over seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from splatsr.errors import InputError
from splatsr.metrics.record import read_record

_COMMON = ("seed", "resume")


@dataclass(frozen=True)
class Member:
    """One run: its folder, what was asked of it {key: text}, its metrics.json (None as long as there is none), and its state:
    finished, running (or interrupted), or failed and how."""

    folder: Path
    overrides: dict[str, str]
    record: dict[str, Any] | None
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
        return [member for member in self.members if member.record is not None]

    def figures(self) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
        """{set: {"x4": {"psnr_y": {mean, deviation, runs}}}} over the finished members; bicubic's figures are left out."""
        found: dict[str, Any] = {}
        for member in self.finished:
            for name, rows in member.record["sets"].items():
                for scale, row in rows.items():
                    for metric, value in row.items():
                        if value is not None and metric != "images" and not metric.startswith("bicubic_"):
                            found.setdefault(name, {}).setdefault(scale, {}).setdefault(metric, []).append(value)
        return {
            name: {scale: {metric: spread(values) for metric, values in row.items()} for scale, row in rows.items()}
            for name, rows in found.items()
        }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation of a sample (0 for one value), count."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "deviation": deviation, "runs": len(values)}


def read_members(folder: Path) -> list[Member]:
    """All runs below `folder`, at any depth, in the order of their folders' numbers or names.

    Raises:
        InputError: there are none, or a metrics.json is damaged.
    """
    found = sorted(folder.glob("**/.hydra/overrides.yaml"), key=lambda path: (path.parents[2], _natural(path.parents[1].name)))
    if not found:
        raise InputError(f"{folder} holds no runs; expected a multirun's folder, with <member>/.hydra/overrides.yaml in it.")
    return [_member(path.parents[1], yaml.safe_load(path.read_text())) for path in found]


def cells(members: Sequence[Member], keys: Sequence[str] | None = None) -> list[Cell]:
    """Members by the values of `keys`; None: of all that differ between members, but for the seed."""
    if keys is None:
        every = dict.fromkeys(key for member in members for key in member.overrides if key not in _COMMON)
        keys = [key for key in every if len({member.overrides.get(key) for member in members}) > 1]
    grouped: dict[tuple[str, ...], list[Member]] = {}
    for member in members:
        grouped.setdefault(tuple(member.overrides.get(key, "") for key in keys), []).append(member)
    return [Cell(dict(zip(keys, values, strict=True)), group) for values, group in grouped.items()]


def _member(folder: Path, overrides: Sequence[str]) -> Member:
    record = folder / "metrics.json"
    told = folder / "state.yaml"
    if record.is_file() or not told.is_file():
        state = "finished" if record.is_file() else "unfinished"
    else:
        state = ": ".join(map(str, yaml.safe_load(told.read_text()).values()))
    return Member(
        folder,
        dict(override.lstrip("+~").split("=", 1) for override in overrides if "=" in override),
        read_record(record) if record.is_file() else None,
        state,
    )


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (-1, name)
