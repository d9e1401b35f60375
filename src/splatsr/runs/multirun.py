"""What a multirun (python run.py -m ...) leaves besides its members' folders: a table over seeds, in its own folder.

multirun.md is for people, multirun.json for programs; ablation.png has every run's PSNR, curves.png the trainings. A Hydra
callback, so that it is there whatever launcher ran the members.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from splatsr.checkpoints.untrusted import build_from_file
from splatsr.disk.whole_file import write_json, write_text
from splatsr.heads.dictionary import carry_rows
from splatsr.metrics.cost import multiply_adds
from splatsr.runs import command_line
from splatsr.runs.configuration import compose, instantiate
from splatsr.runs.explanations import explain
from splatsr.runs.run import CONFIG, recorded_settings
from splatsr.shown import show, show_table
from splatsr.tables.ablation import describe, to_json, to_markdown, to_text
from splatsr.tables.members import Cell, cells, read_members
from splatsr.tables.paper import PaperTable

LARGEST_MODEL = 50_000_000
"""Parameters; a run's description of a much larger model is not believed."""

LR_SIZE = (64, 64)
"""Of the multiply-adds, as in ContinuousSR's Table 17."""


class Multirun(Callback):
    """Hydra calls it, see conf/run.yaml."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """What the command line gives takes the place of what the experiment varies (hydra.sweeper.params)."""
        params = config.hydra.sweeper.get("params")
        given = {override.lstrip("+~").split("=")[0] for override in config.hydra.overrides.task}
        with read_write(config), open_dict(config):
            for key in given & set(params or {}):
                del params[key]

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Writes the table, and makes the command line end with an error if a member is not finished."""
        folder = Path(config.hydra.sweep.dir)
        try:
            summarise(folder)
            members = read_members(folder)
        except Exception as error:  # Hydra would make a warning of it
            command_line.refuse(explain(error) or f"{type(error).__name__}: {error}")
            return
        if open_ := [member for member in members if member.state != "finished"]:
            first = open_[0]
            command_line.refuse(
                f"{len(open_)} of {len(members)} runs are not finished, first {first.folder} ({first.state}); the table is "
                f"{folder}/multirun.md. Run what is missing with the same command line and resume={folder}"
            )


def summarise(folder: Path) -> None:
    """Writes the table of all runs below `folder` into it; see the head of this file.

    Raises:
        InputError: it holds no runs.
    """
    found = cells(read_members(folder))
    if not any(cell.finished for cell in found):
        return
    paper = paper_table()
    rows = describe(found, costs(found), paper)
    write_json(folder / "multirun.json", {"title": folder.name, "lr_size": list(LR_SIZE), "cells": to_json(rows)})
    write_text(folder / "multirun.md", to_markdown(rows, paper))
    draw(found, folder)
    show_table(to_text(rows, paper, title=f"PSNR in dB over the runs in {folder}"))
    show("")
    show(f"table and pictures: {folder}")


def draw(found: Sequence[Cell], folder: Path) -> None:
    """ablation.png at x4 or the first scale there is, and curves.png of the first run of every cell.

    The first is left out where nothing was measured: trainings without test sets.
    """
    from splatsr.pictures.ablation import draw_ablation  # matplotlib takes a second
    from splatsr.pictures.training import draw_curves

    scales = [figure.scale for cell in found for figure in cell.figures()]
    if scales:
        draw_ablation(found, folder / "ablation.png", scale=4 if 4 in scales else scales[0])
    trained = {cell.name: cell.finished[0].folder for cell in found if cell.finished}
    if all((run / "logs").is_dir() for run in trained.values()):
        draw_curves(trained, folder / "curves.png")


def costs(found: Sequence[Cell]) -> dict[str, float | None]:
    """Multiply-adds of encoding 64x64 LR pixels, by the cell's name, where a run recorded its model."""
    counted: dict[str, float | None] = {}
    for cell in found:
        if cell.finished and (recorded := recorded_settings(cell.finished[0].folder)) is not None:
            source = str(cell.finished[0].folder / CONFIG)
            model = build_from_file(carry_rows(recorded.get("model", {})), elements=LARGEST_MODEL, source=source).eval()
            counted[cell.name] = multiply_adds(model, LR_SIZE)
    return counted


def paper_table() -> PaperTable:
    """conf/table/ablations.yaml."""
    return instantiate(compose("table=ablations")["table"], "table")
