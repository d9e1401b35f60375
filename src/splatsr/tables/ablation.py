"""An ablation as a table: what was varied, PSNR with its spread over seeds, size and cost, the paper's figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from splatsr.disk.markdown import markdown_table
from splatsr.image_files.one_line import one_line
from splatsr.metrics.figure import scale_name
from splatsr.metrics.names import PSNR_NAMES
from splatsr.metrics.record import json_number
from splatsr.tables.members import Cell, MeanFigure
from splatsr.tables.paper import PaperTable
from splatsr.tables.text_table import TextTable


class PaperFigure(NamedTuple):
    """A row of the paper's table, and the figure in its first column."""

    row: str
    figure: float | None


@dataclass(frozen=True)
class AblationRow:
    """A cell, the means over its finished members, and what they are compared with.

    Attributes:
        cell: the runs of one combination of values.
        figures: of the finished ones.
        parameters: of their model; None where there is no finished run.
        multiply_adds: of encoding 64x64 LR pixels; None where no run recorded its model.
        paper: None where the paper has no such row.
    """

    cell: Cell
    figures: list[MeanFigure]
    parameters: int | None
    multiply_adds: float | None
    paper: PaperFigure | None


def describe(cells: Sequence[Cell], costs: Mapping[str, float | None], paper: PaperTable) -> list[AblationRow]:
    """One row for each cell; `costs` are multiply-adds by the cell's name."""
    return [
        AblationRow(
            cell=cell,
            figures=cell.figures(),
            parameters=cell.records[0].model.parameters if cell.records else None,
            multiply_adds=costs.get(cell.name),
            paper=paper_row(cell.values, paper),
        )
        for cell in cells
    ]


def paper_row(values: Mapping[str, str], paper: PaperTable) -> PaperFigure | None:
    """The paper's row that says it has these values and no others."""
    for row in paper.rows:
        if any(
            set(member) == set(values) and all(same_value(values[key], value) for key, value in member.items())
            for member in row.members
        ):
            return PaperFigure(row.name, row.cells[0])
    return None


def same_value(one: Any, other: Any) -> bool:
    """Whether two values mean the same, written as text or not: 1 and 1.0, [64, 64] and [64,64]."""
    first, second = (yaml.safe_load(value) if isinstance(value, str) else value for value in (one, other))
    return first == second


def to_json(rows: Sequence[AblationRow]) -> list[dict[str, Any]]:
    """One entry for each row, plain values, as multirun.json and ablations.json have it; figures are
    {set: {"x4": {"psnr_y": {mean, deviation, runs}}}}, those that JSON has no number for as in metrics.json."""
    return [
        {
            "values": row.cell.values,
            "members": [
                {"folder": member.folder.name, "seed": member.overrides.get("seed"), "state": member.state}
                for member in row.cell.members
            ],
            "figures": _nested(row.figures),
            "parameters": row.parameters,
            "multiply_adds": row.multiply_adds,
            "paper": None if row.paper is None else row.paper._asdict(),
        }
        for row in rows
    ]


def to_markdown(rows: Sequence[AblationRow], paper: PaperTable) -> str:
    """The table; figures are mean +- deviation, cells without a finished run stay empty."""
    table = to_text(rows, paper, title="")
    varied = len(rows[0].cell.values)
    lines = [
        [*(f"`{cell}`" for cell in line[:varied]), *line[varied:]]
        for line in ([one_line(cell) for cell in line] for line in (table.headings, *table.rows))
    ]
    return markdown_table(lines[0], lines[1:], text_columns=len(table.headings)) + "\n"


def to_text(rows: Sequence[AblationRow], paper: PaperTable, *, title: str) -> TextTable:
    """The same for a terminal."""
    columns = list(dict.fromkeys((figure.set_name, figure.scale) for row in rows for figure in row.figures))
    compared = any(row.paper for row in rows)
    headings = [
        *(key.removeprefix("model.").removeprefix("model/") for key in rows[0].cell.values),
        "runs",
        *(f"{set_name} {scale_name(scale)}" for set_name, scale in columns),
        "parameters",
        "multiply-adds",
        *([f"{paper.columns[0].heading}, paper"] if compared else []),
        "state",
    ]
    cells = []
    for row in rows:
        members = row.cell.members
        cells.append(
            [
                *row.cell.values.values(),
                f"{[member.state for member in members].count('finished')} of {len(members)}" if members else "",
                *(_psnr(row.figures, *column) for column in columns),
                "" if row.parameters is None else f"{row.parameters / 1e6:.3f} M",
                "" if row.multiply_adds is None else f"{row.multiply_adds / 1e9:.2f} G",
                *([f"{row.paper.figure}" if row.paper else ""] if compared else []),
                "; ".join(f"{member.folder.name} {member.state}" for member in members if member.state != "finished"),
            ]
        )
    if not any(line[-1] for line in cells):
        headings, cells = headings[:-1], [line[:-1] for line in cells]
    return TextTable(title, headings, cells, len(rows[0].cell.values))


def _nested(figures: Sequence[MeanFigure]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for figure in figures:
        row = nested.setdefault(figure.set_name, {}).setdefault(scale_name(figure.scale), {})
        row[figure.metric] = {
            "mean": json_number(figure.mean),
            "deviation": json_number(figure.deviation),
            "runs": figure.runs,
        }
    return nested


def _psnr(figures: Sequence[MeanFigure], set_name: str, scale: float) -> str:
    """PSNR of one set at one scale as text; empty where there is none."""
    for figure in figures:
        if (figure.set_name, figure.scale) == (set_name, scale) and figure.metric in PSNR_NAMES:
            return f"{figure.mean:.2f}" + (f" ± {figure.deviation:.2f}" if figure.runs > 1 else "")
    return ""
