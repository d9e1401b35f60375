"""job=table: a table of a paper with our runs in it, as Markdown, CSV and LaTeX."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.runs.configuration import instantiate
from splatsr.runs.earlier_runs import OUTPUTS, check_runs
from splatsr.runs.loggers import open_loggers
from splatsr.runs.run import Run
from splatsr.shown import show, show_table
from splatsr.tables.compare import compare
from splatsr.tables.paper import PaperTable
from splatsr.tables.render import body, caption, heading, to_csv, to_latex, to_markdown, to_text
from splatsr.tables.runs import EvaluatedRun, incompatibility, read_run

log = logging.getLogger(__name__)


def table(*, table: Mapping[str, Any] | None, runs: Any, logger: Mapping[str, Any], run: Run) -> None:
    """Arguments are the root keys of conf/run.yaml; <table>.md, .csv and .tex go to the run's folder.

    `runs` are folders with a metrics.json. None: all below outputs/, and those that do not fit are left out with a line.

    Raises:
        InputError: no table was chosen, or a run that was asked for does not fit, by its protocol or at all.
    """
    if table is None:
        raise InputError("choose a table of conf/table/, for example table=table1.")
    paper: PaperTable = instantiate(table, "table")
    lines = compare(paper, _found(paper) if runs is None else [_asked_for(folder, paper) for folder in check_runs(runs)])
    for ending, render in {"md": to_markdown, "csv": to_csv, "tex": to_latex}.items():
        write_text(run.folder / f"{paper.name}.{ending}", render(paper, lines))
    show_table(to_text(paper, lines))
    for line in ("", *caption(paper), "", f"Markdown, CSV and LaTeX: {run.folder}"):
        show(line)
    if "wandb" in logger:
        with open_loggers({"wandb": logger["wandb"]}, run) as (online,):
            assert isinstance(online, WandbLogger)
            online.log_table(key=paper.name, columns=["kind", *heading(paper)[1:]], data=body(paper, lines))


def _asked_for(folder: str, paper: PaperTable) -> EvaluatedRun:
    run = read_run(Path(folder))
    if reason := incompatibility(run, paper):
        raise InputError(f"{reason}; or leave it out of runs.")
    return run


def _found(paper: PaperTable) -> list[EvaluatedRun]:
    runs: list[EvaluatedRun] = []
    for path in sorted(OUTPUTS.rglob("metrics.json")):
        try:
            run = read_run(path.parent)
        except InputError as refusal:
            log.warning("left out: %s", refusal)
            continue
        if reason := incompatibility(run, paper):
            log.warning("left out: %s.", reason)
        else:
            runs.append(run)
    return runs
