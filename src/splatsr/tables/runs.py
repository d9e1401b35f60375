"""Our runs as rows of tables, read from their metrics.json; a run under another protocol is not compatible with a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatsr.image_files.one_line import one_line
from splatsr.metrics.figure import MODEL, Figure, select
from splatsr.metrics.record import MeasuredModel, read_record
from splatsr.tables.paper import Column, PaperTable, same_set


@dataclass(frozen=True)
class EvaluatedRun:
    """What a run's metrics.json says.

    Attributes:
        folder: of the run.
        protocol: `Protocol.describe()` of the evaluation.
        model: what was evaluated.
        figures: of that model on whole sets; bicubic's are left out.
    """

    folder: Path
    protocol: Mapping[str, Any]
    model: MeasuredModel
    figures: Sequence[Figure]

    @property
    def label(self) -> str:
        """Folder, model, encoder and size, so that a light model is not taken for the paper's."""
        encoder = f", {self.model.encoder}" if self.model.encoder else ""
        return one_line(f"{self.folder} ({self.model.name}{encoder}, {self.model.parameters / 1e6:.1f} M)")

    def is_a(self, run: Mapping[str, str | None]) -> bool:
        """Whether it is of the {model, encoder} that a paper's row is compared with; any encoder where the row names none."""
        own = {"model": self.model.name, "encoder": self.model.encoder}
        return bool(run) and all(str(own[key]).lower() == str(value).lower() for key, value in run.items())

    def of_set(self, set_name: str) -> list[Figure]:
        """The figures of a test set, by whichever of its names; empty where it was not measured."""
        return [figure for figure in self.figures if same_set(figure.set_name, set_name)]

    def value(self, column: Column) -> float | None:
        """The figure that stands in this column, None where the run has none."""
        if column.scale is None or column.protocol is None:
            return None
        metric = column.protocol.metric(column.metric).name
        found = select(self.of_set(column.set_name), scale=column.scale, metric=metric)
        return found[0].value if found else None


def read_run(folder: Path) -> EvaluatedRun:
    """The run in `folder`; InputError where there is none, or one that must be evaluated again."""
    record = read_record(folder / "metrics.json")
    return EvaluatedRun(folder, record.protocol, record.model, select(record.evaluation.figures, method=MODEL))


def incompatibility(run: EvaluatedRun, table: PaperTable) -> str:
    """Why the run cannot stand in the table, and what would, in words without a full stop; empty where it can."""
    for column in table.columns:
        if column.protocol is None or not run.of_set(column.set_name):
            continue
        if difference := column.protocol.difference(run.protocol):
            return (
                f"{run.folder} was measured under protocol {run.protocol['name']}, and {column.set_name} in {table.name} is "
                f"protocol {column.protocol.name} ({difference}): evaluate it under that (job=evaluate protocol=...)"
            )
    measured = {(column.set_name, f"x{column.scale:g}") for column in table.columns if column.protocol and column.scale}
    if not measured:
        return f"{table.name} holds nothing that an evaluation measures; for times and sizes see job=benchmark"
    if all(run.value(column) is None for column in table.columns):
        own = {(figure.set_name, f"x{figure.scale:g}") for figure in run.figures}
        return (
            f"{run.folder} has no figure that stands in {table.name}: it has {_sets_and_scales(own)}, and the table "
            f"{_sets_and_scales(measured)}"
        )
    return ""


def _sets_and_scales(pairs: set[tuple[str, str]]) -> str:
    """Set5 (x2, x4) and Set14 (x2)"""
    by_set = {
        name: sorted((scale for one, scale in pairs if one == name), key=lambda scale: float(scale[1:])) for name, _ in pairs
    }
    return " and ".join(f"{name} ({', '.join(by_set[name])})" for name in sorted(by_set)) or "none"
