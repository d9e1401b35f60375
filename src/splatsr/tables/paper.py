"""The papers' tables as data: conf/table/, one file per table, every figure with its source, empty where it is not at hand."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from splatsr.geometry import Number
from splatsr.metrics.figure import scale_name
from splatsr.metrics.protocol import Protocol

_ALIASES = {"bsd100": "b100", "bsds100": "b100", "div2k100": "div2k", "div2k_valid_hr": "div2k"}


class Column(NamedTuple):
    """One column.

    Attributes:
        heading: as it is printed.
        set_name: the test set, by one of its names.
        metric: as it is requested (psnr, ssim, ..); `protocol` says whether of Y or of RGB.
        decimals: that are printed.
        scale: None where we measure nothing like it (times, sizes).
        protocol: likewise.
    """

    heading: str
    set_name: str
    metric: str
    decimals: int
    scale: Number | None
    protocol: Protocol | None


class PaperRow(NamedTuple):
    """One method; `cells` go with the table's columns. What of ours is compared with it: `run` names model and encoder,
    `members` the values {key: value} of an ablation's multirun."""

    name: str
    run: Mapping[str, str]
    cells: list[float | None]
    members: list[Mapping[str, Any]]


class PaperTable:
    """A table of a paper.

    Args:
        name: of the file in conf/table/.
        title: what it is, with its number in the paper.
        source: where the figures were read.
        note: what a reader must know to compare with them; what is not at hand.
        protocols: those under which our runs are comparable, by a name that columns use.
        columns: {heading: group}. A group of measured columns is {set, metric, protocol, decimals, scales}; another one, which
            only the paper fills, is {decimals, labels}.
        rows: {name, run, figures}, where `figures` are {heading: one value per scale or label, null where not at hand}; `run`
            is {model: class, encoder: class} of ours, or empty. In a table of ablations also `members`: lists of {key: value},
            what is varied in ours.
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        source: str,
        note: str,
        protocols: Mapping[str, Protocol],
        columns: Mapping[str, Mapping[str, Any]],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        self.name, self.title, self.source, self.note = name, title, source, note
        groups = {heading: _columns(heading, group, protocols) for heading, group in columns.items()}
        self.columns = [column for group in groups.values() for column in group]
        self.rows = [_row(row, groups) for row in rows]

    def points(self, set_name: str, metric: str, protocol: Protocol) -> dict[str, list[tuple[Number, float]]]:
        """{row: [(scale, value), ...]} of one set under one protocol, for curves against scale; rows without a figure are left
        out."""
        described = protocol.describe()
        found: dict[str, list[tuple[Number, float]]] = {}
        for row in self.rows:
            for column, value in zip(self.columns, row.cells, strict=True):
                if column.protocol is None or column.scale is None or value is None or column.protocol.difference(described):
                    continue
                if column.metric == metric and same_set(column.set_name, set_name):
                    found.setdefault(row.name, []).append((column.scale, value))
        return found


def same_set(one: str, other: str) -> bool:
    """Whether two names mean one test set: B100 and BSD100, DIV2K and DIV2K_valid_HR, set5 and Set5."""
    first, second = (_ALIASES.get(name.lower(), name.lower()) for name in (one, other))
    return first == second


def _columns(heading: str, group: Mapping[str, Any], protocols: Mapping[str, Protocol]) -> list[Column]:
    if "labels" in group:
        return [Column(f"{heading} {label}", "", "", group["decimals"], None, None) for label in group["labels"]]
    protocol = protocols[group["protocol"]]
    return [
        Column(f"{heading} {scale_name(scale)}", group["set"], group["metric"], group["decimals"], scale, protocol)
        for scale in group["scales"]
    ]


def _row(row: Mapping[str, Any], groups: Mapping[str, list[Column]]) -> PaperRow:
    figures = row["figures"]
    if stray := set(figures) - set(groups):
        raise ValueError(f"row {row['name']}: {', '.join(stray)} is no column of the table.")
    cells: list[float | None] = []
    for heading, columns in groups.items():
        values = list(figures.get(heading, [None] * len(columns)))
        if len(values) != len(columns):
            raise ValueError(f"row {row['name']}, {heading}: {len(values)} figures for {len(columns)} columns.")
        cells += [None if value is None else float(value) for value in values]
    return PaperRow(row["name"], dict(row["run"]), cells, list(row.get("members", [])))
