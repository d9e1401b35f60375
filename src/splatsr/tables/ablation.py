"""An ablation as a table: what was varied, PSNR with its spread over seeds, size and cost, the paper's figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from splatsr.tables.members import Cell
from splatsr.tables.paper import PaperTable


def describe(cells: Sequence[Cell], costs: Mapping[str, float | None], paper: PaperTable) -> list[dict[str, Any]]:
    """One entry per cell, plain values, as multirun.json has it: values, members, figures, parameters, multiply_adds (of
    encoding 64x64 LR pixels; `costs` by the cell's name), paper (row and figure, None where it has none)."""
    entries = []
    for cell in cells:
        row = paper_row(cell.values, paper)
        entries.append(
            {
                "values": cell.values,
                "members": [
                    {"folder": member.folder.name, "seed": member.overrides.get("seed"), "state": member.state}
                    for member in cell.members
                ],
                "figures": cell.figures(),
                "parameters": cell.finished[0].record["model"]["parameters"] if cell.finished else None,
                "multiply_adds": costs.get(cell.name),
                "paper": row,
            }
        )
    return entries


def paper_row(values: Mapping[str, str], paper: PaperTable) -> dict[str, Any] | None:
    """{"row", "figure"} of the paper's row that says it has these values and no others."""
    for row in paper.rows:
        if any(
            set(member) == set(values) and all(same_value(values[key], value) for key, value in member.items())
            for member in row.members
        ):
            return {"row": row.name, "figure": row.cells[0]}
    return None


def same_value(one: Any, other: Any) -> bool:
    """Whether two values mean the same, written as text or not: 1 and 1.0, [64, 64] and [64,64]."""
    first, second = (yaml.safe_load(value) if isinstance(value, str) else value for value in (one, other))
    return first == second


def to_markdown(entries: Sequence[Mapping[str, Any]], paper: PaperTable) -> str:
    """The table; figures are mean +- deviation, cells without a finished run stay empty."""
    keys = list(entries[0]["values"])
    columns = list(
        dict.fromkeys((name, scale) for entry in entries for name, rows in entry["figures"].items() for scale in rows)
    )
    compared = any(entry["paper"] for entry in entries)
    measured = [f"{name} {scale}" for name, scale in columns]
    last = [*([f"{paper.columns[0].heading}, paper"] if compared else []), "state"]
    rows = [[*(_short(key) for key in keys), "runs", *measured, "parameters", "multiply-adds", *last]]
    for entry in entries:
        states = [member["state"] for member in entry["members"]]
        finished = states.count("finished")
        trouble = [f"{member['folder']} {member['state']}" for member in entry["members"] if member["state"] != "finished"]
        rows.append(
            [
                *(f"`{value}`" for value in entry["values"].values()),
                f"{finished} of {len(states)}" if states else "",
                *(_psnr(entry["figures"].get(name, {}).get(scale, {})) for name, scale in columns),
                "" if entry["parameters"] is None else f"{entry['parameters'] / 1e6:.3f} M",
                "" if entry["multiply_adds"] is None else f"{entry['multiply_adds'] / 1e9:.2f} G",
                *([f"{entry['paper']['figure']}" if entry["paper"] else ""] if compared else []),
                "; ".join(trouble),
            ]
        )
    if not any(row[-1] for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows) + "\n"


def _short(key: str) -> str:
    return f"`{key.removeprefix('model.').removeprefix('model/')}`"


def _psnr(row: Mapping[str, Mapping[str, float]]) -> str:
    figure = next((value for metric, value in row.items() if metric.startswith("psnr")), None)
    if figure is None:
        return ""
    return f"{figure['mean']:.2f}" + (f" ± {figure['deviation']:.2f}" if figure["runs"] > 1 else "")
