"""The papers' tables as data: conf/table/, one file per table, every figure with its source, empty where it is not at hand."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, Le

from splatsr.arguments import check_arguments, check_given
from splatsr.bounds import ScaleFactor
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.metrics.figure import scale_name
from splatsr.metrics.names import check_metrics
from splatsr.metrics.protocol import Protocol

Decimals = Annotated[int, Ge(0), Le(10)]

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
    `members` the values {key: value} of an ablation's multirun. `misprints` are indices of cells that look like misprints."""

    name: str
    run: Mapping[str, str | None]
    cells: list[float | None]
    members: list[Mapping[str, Any]]
    misprints: frozenset[int]


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
            is {model: class, encoder: class} of ours, without encoder where the paper names none, or empty. In a table of
            ablations also `members`: lists of {key: value}, what is varied in ours. Where figures look like misprints,
            `misprints` are headings of their columns, with scale or label; they are printed as the paper has them, and marked.
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
        for index, row in enumerate(rows):
            check_arguments(_row, row, f"table.rows[{index}]")
            check_given(_row, {**row, "groups": groups}, f"table.rows[{index}]")
        self.rows = [_row(**row, groups=groups) for row in rows]

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
    where = f"table.columns.{heading}"
    kind: Callable[..., list[Column]] = _printed if "labels" in group else partial(_measured, protocols=protocols, where=where)
    check_arguments(kind, group, where)
    check_given(kind, {**group, "heading": heading}, where)
    return kind(**{**group, "heading": heading})


def _printed(*, heading: str, labels: Sequence[str], decimals: Decimals) -> list[Column]:
    """A group of columns that only the paper fills."""
    return [Column(f"{heading} {label}", "", "", decimals, None, None) for label in labels]


def _measured(
    *,
    heading: str,
    set: str,
    metric: str,
    protocol: str,
    decimals: Decimals,
    scales: Sequence[ScaleFactor],
    protocols: Mapping[str, Protocol],
    where: str,
) -> list[Column]:
    """A group of columns that we measure too."""
    check_metrics([metric], f"{where}.metric")
    if protocol not in protocols:
        raise InputError(f"{where}.protocol must be one of {', '.join(protocols) or 'none'}; got {protocol!r}.")
    return [Column(f"{heading} {scale_name(scale)}", set, metric, decimals, scale, protocols[protocol]) for scale in scales]


def _row(
    *,
    name: str,
    run: Mapping[str, str | None],
    figures: Mapping[str, Sequence[float | None]],
    groups: Mapping[str, list[Column]],
    members: Sequence[Mapping[str, Any]] = (),
    misprints: Sequence[str] = (),
) -> PaperRow:
    if stray := set(figures) - set(groups):
        raise InputError(f"table.rows: row {name}: {', '.join(stray)} is no column of the table.")
    cells: list[float | None] = []
    for heading, columns in groups.items():
        values = list(figures.get(heading, [None] * len(columns)))
        if len(values) != len(columns):
            raise InputError(f"table.rows: row {name}, {heading}: {len(values)} figures for {len(columns)} columns.")
        cells += [None if value is None else float(value) for value in values]
    headings = [column.heading for columns in groups.values() for column in columns]
    if unknown := set(misprints) - {heading for heading, cell in zip(headings, cells, strict=True) if cell is not None}:
        raise InputError(f"table.rows: row {name}, misprints: {', '.join(sorted(unknown))} is no column with a figure.")
    return PaperRow(name, dict(run), cells, list(members), frozenset(map(headings.index, misprints)))
