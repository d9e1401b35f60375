"""job=ablations: every ablation of conf/experiment/ablation with the runs there are, beside the paper's figures: one page."""

import itertools
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from splatsr.disk.whole_file import write_json, write_text
from splatsr.runs.configuration import CONF
from splatsr.runs.earlier_runs import OUTPUTS, check_runs
from splatsr.runs.multirun import costs, paper_table
from splatsr.runs.run import Run
from splatsr.shown import show, show_table
from splatsr.tables.ablation import describe, same_value, to_json, to_markdown, to_text
from splatsr.tables.members import Cell, Member, read_members


def ablations(*, runs: Any, run: Run) -> None:
    """Arguments are the root keys of conf/run.yaml; ablations.md and ablations.json go to the run's folder.

    `runs` are folders with multiruns or single runs below; None: outputs/. A run counts for the ablation that its
    experiment=... names, in the cell of its values; cells without a run stay empty.

    Raises:
        InputError: a folder holds no runs.
    """
    if runs is None:
        members = read_members(OUTPUTS) if any(OUTPUTS.rglob("metrics.json")) else []
    else:
        members = [member for folder in check_runs(runs) for member in read_members(Path(folder))]
    paper, record = paper_table(), {}
    sections = ["# Ablations of ContinuousSR", "", about(CONF / "frame/small.yaml"), "", f"{paper.title}: {paper.source}.", ""]
    sections += ["Ours: means of the seeds ± their standard deviation (of two seeds 0.71 times their difference).", ""]
    for path in sorted((CONF / "experiment/ablation").glob("*.yaml")):
        own = [member for member in members if member.overrides.get("experiment") == f"ablation/{path.stem}"]
        found = grid(path, own)
        rows = describe(found, costs(found), paper)
        record[path.stem] = to_json(rows)
        sections += [f"## {path.stem}", "", about(path), "", to_markdown(rows, paper)]
        if own:
            show_table(to_text(rows, paper, title=path.stem))
    write_text(run.folder / "ablations.md", "\n".join(sections).rstrip() + "\n")
    write_json(run.folder / "ablations.json", record)
    show("")
    show(f"{len(members)} runs read; all tables: {run.folder}/ablations.md")


def grid(path: Path, members: list[Member]) -> list[Cell]:
    """One cell for every combination of the values that an ablation's file lists (but for the seeds), with its runs."""
    params = yaml.safe_load(path.read_text())["hydra"]["sweeper"]["params"]
    parsed = OverridesParser.create().parse_overrides([f"{key}={texts}" for key, texts in params.items() if key != "seed"])
    keys = [override.key_or_group for override in parsed]
    return [
        Cell(
            dict(zip(keys, values, strict=True)),
            [one for one in members if all(same_value(one.overrides.get(k), v) for k, v in zip(keys, values, strict=True))],
        )
        for values in itertools.product(*(override.sweep_string_iterator() for override in parsed))
    ]


def about(path: Path) -> str:
    """What a file of conf/ says at its head, and its command if it has one."""
    lines = itertools.takewhile(lambda line: line.startswith("#"), path.read_text().splitlines()[1:])
    comments = [line.removeprefix("#") for line in lines]
    commands = [line.strip() for line in comments if line.startswith("     ")]
    text = " ".join(line.strip() for line in comments if not line.startswith("     "))
    return "\n".join([text, *(["", "```bash", *commands, "```"] if commands else [])])
