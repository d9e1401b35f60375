"""Our runs as rows of tables, read from their metrics.json; a run under another protocol does not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatsr.metrics.evaluation import Results
from splatsr.metrics.record import read_record
from splatsr.tables.paper import Column, PaperTable, column_key, same_set


@dataclass(frozen=True)
class EvaluatedRun:
    """What a run's metrics.json says."""

    folder: Path
    protocol: Mapping[str, Any]
    model: Mapping[str, Any]
    sets: Results

    @property
    def label(self) -> str:
        """Folder, model, encoder and size, so that a light model is not taken for the paper's."""
        encoder = f", {self.model['encoder']}" if self.model["encoder"] else ""
        return f"{self.folder} ({self.model['name']}{encoder}, {self.model['parameters'] / 1e6:.1f} M)"

    def is_a(self, run: Mapping[str, str]) -> bool:
        """Whether it is of the model and encoder that a paper's row is compared with."""
        names = {"name": run.get("model"), "encoder": run.get("encoder")}
        return bool(run) and all(str(self.model[key]).lower() == str(value).lower() for key, value in names.items())

    def rows(self, column: Column) -> dict[str, dict[str, float | None]]:
        """{scale: row} of the column's set, empty where it was not measured."""
        return next((rows for name, rows in self.sets.items() if same_set(name, column.set_name)), {})

    def value(self, column: Column) -> float | None:
        """The figure that stands in this column, None where the run has none."""
        key = column_key(column)
        return None if key is None else self.rows(column).get(key[0], {}).get(key[1])


def read_run(folder: Path) -> EvaluatedRun:
    """The run in `folder`; InputError where there is none, or one that must be evaluated again."""
    record = read_record(folder / "metrics.json")
    return EvaluatedRun(folder, record["protocol"], record["model"], record["sets"])


def misfit(run: EvaluatedRun, table: PaperTable) -> str:
    """Why the run cannot stand in the table, in words; empty where it can."""
    for column in table.columns:
        if column.protocol is None or not run.rows(column):
            continue
        if difference := column.protocol.difference(run.protocol):
            return (
                f"{run.folder} was measured under protocol {run.protocol['name']}, and {column.set_name} in {table.name} is "
                f"protocol {column.protocol.name} ({difference})"
            )
    if all(run.value(column) is None for column in table.columns):
        wanted = sorted({column.set_name for column in table.columns if column.protocol})
        return f"{run.folder} has no figure that stands in {table.name} (sets {', '.join(wanted) or 'none'})"
    return ""
