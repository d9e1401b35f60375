"""job=table: a table of a paper with our runs in it, as Markdown, CSV and LaTeX."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.runs.loggers import open_loggers
from splatsr.tables.compare import compare
from splatsr.tables.paper import PaperTable
from splatsr.tables.render import body, heading, to_csv, to_latex, to_markdown
from splatsr.tables.runs import EvaluatedRun, incompatibility, read_run

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")


def table(
    *, table: Mapping[str, Any] | None, runs: Any, logger: Mapping[str, Any], run_dir: str, settings: Mapping[str, Any]
) -> None:
    """Arguments are the root keys of conf/run.yaml; <table>.md, .csv and .tex go to the run's folder.

    `runs` are folders with a metrics.json. None: all below outputs/, and those that do not fit are left out with a line.

    Raises:
        InputError: no table was chosen, or a run that was asked for does not fit, by its protocol or at all.
    """
    if table is None:
        raise InputError("choose a table of conf/table/, for example table=table1.")
    paper: PaperTable = instantiate(table, _convert_="all")
    lines = compare(paper, _found(paper) if runs is None else [_asked_for(folder, paper) for folder in check_runs(runs)])
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, render in {"md": to_markdown, "csv": to_csv, "tex": to_latex}.items():
        write_text(folder / f"{paper.name}.{ending}", render(paper, lines))
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(to_markdown(paper, lines))
    console.print(f"Markdown, CSV and LaTeX: {folder}")
    if "wandb" in logger:
        with open_loggers({"wandb": logger["wandb"]}, folder, settings) as (online,):
            online.log_table(key=paper.name, columns=["kind", *heading(paper)[1:]], data=body(paper, lines))


def check_runs(runs: Any) -> list[str]:
    """The folders; InputError unless they are a list of them."""
    if isinstance(runs, str) or not isinstance(runs, Sequence) or not runs:
        raise InputError(f"runs must be a list of folders such as [outputs/train/ours/<time>]; got {runs!r}.")
    return [str(folder) for folder in runs]


def _asked_for(folder: str, paper: PaperTable) -> EvaluatedRun:
    run = read_run(Path(folder))
    if reason := incompatibility(run, paper):
        raise InputError(f"{reason}. Evaluate it under that protocol (job=evaluate protocol=...) or leave it out of runs.")
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
