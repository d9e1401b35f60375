"""The paper, ours, and the difference."""

from collections.abc import Sequence
from typing import NamedTuple

from splatsr.tables.paper import PaperTable
from splatsr.tables.runs import EvaluatedRun


class Line(NamedTuple):
    """One printed row: `kind` is paper, ours or difference; cells are rounded as they are printed, None where empty.
    `misprints` are indices of cells that are marked."""

    kind: str
    name: str
    cells: list[float | None]
    misprints: frozenset[int] = frozenset()


def compare(table: PaperTable, runs: Sequence[EvaluatedRun]) -> list[Line]:
    """The paper's rows; below each, every run of that model and encoder, and what it differs by; other runs at the end."""
    lines: list[Line] = []
    unplaced = list(runs)
    for row in table.rows:
        lines.append(Line("paper", row.name, row.cells, row.misprints))
        for run in [run for run in unplaced if run.is_a(row.run)]:
            unplaced.remove(run)
            ours = _cells(table, run)
            lines.append(Line("ours", run.label, ours))
            pairs = zip(ours, row.cells, table.columns, strict=True)
            differences = [
                None if one is None or other is None else round(one - other, column.decimals) for one, other, column in pairs
            ]
            if any(value is not None for value in differences):
                lines.append(Line("difference", f"ours - {row.name}", differences))
    return [*lines, *(Line("ours", run.label, _cells(table, run)) for run in unplaced)]


def _cells(table: PaperTable, run: EvaluatedRun) -> list[float | None]:
    values = [(run.value(column), column.decimals) for column in table.columns]
    return [None if value is None else round(value, decimals) for value, decimals in values]
