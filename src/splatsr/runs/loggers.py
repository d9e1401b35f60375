"""Where a run's figures go: CSV always, W&B when chosen, offline when there is no key; everything inside the run's folder."""

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr.disk.read_back import read_text
from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.metrics.figure import Evaluation
from splatsr.metrics.logged_names import logged_name
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.record import row_key, set_rows
from splatsr.runs.configuration import instantiate
from splatsr.runs.run import Run
from splatsr.training.callbacks.dashboard import log_picture


@contextmanager
def open_loggers(logger: Mapping[str, Any], run: Run) -> Iterator[list[Logger]]:
    """The configured loggers, with the whole configuration logged; closed whatever happens.

    W&B's run keeps its identity in wandb_run.txt, so that a resumed training goes on in the same one. Where several processes
    train together only the first has it.
    """
    rank = rank_zero_only.rank  # type: ignore[attr-defined] # kept on the function
    chosen = {name: one for name, one in logger.items() if one is not None and (name != "wandb" or rank == 0)}
    loggers = [
        instantiate(one, f"logger.{name}", **(_wandb_arguments(run.folder) if name == "wandb" else {}))
        for name, one in chosen.items()
    ]
    status = "failed"
    try:
        for log in loggers:
            log.log_hyperparams(dict(run.settings))
        yield loggers
        status = "success"
    finally:
        for log in loggers:
            log.finalize(status)
        if "wandb" in chosen:
            import wandb

            wandb.finish(exit_code=0 if status == "success" else 1)


def log_results(loggers: Sequence[Logger], found: Evaluation, protocol: Protocol, folder: Path, step: int) -> None:
    """The final figures, as test/<protocol>/<metric>/<set>/<scale>; on dashboards also as a table, with the drawn pictures.

    Metrics are called as in metrics.json: bicubic_psnr_y is bicubic's.
    """
    values: dict[str, float] = {}
    for figure in found.figures:
        key = row_key(figure.metric, figure.method)
        values[logged_name("test", protocol, key, figure.set_name, figure.scale)] = figure.value
        values[logged_name("test", protocol, "images", figure.set_name, figure.scale)] = figure.images
    for log in loggers:
        log.log_metrics(values, step=step)
    rows = [(set_name, scale, row) for set_name, rows in set_rows(found).items() for scale, row in rows.items()]
    for log in _wandb_loggers(loggers):
        log.log_table(
            "test/table",
            columns=["set", "scale", *rows[0][2]],
            data=[[set_name, scale, *row.values()] for set_name, scale, row in rows],
            step=step,
        )
    for picture in sorted((folder / "pictures").glob("*.png")):
        log_picture(loggers, f"test/pictures/{picture.stem}", picture, step)


def _wandb_loggers(loggers: Sequence[Logger]) -> list[WandbLogger]:
    return [log for log in loggers if isinstance(log, WandbLogger)]


def _wandb_arguments(folder: Path) -> dict[str, Any]:
    os.environ["WANDB_DATA_DIR"] = str(folder)  # media stay in the run's folder
    import wandb

    identity = folder / "wandb_run.txt"
    if not identity.exists():
        write_text(identity, secrets.token_hex(4) + "\n")
    name = read_text(identity).strip()
    if not re.fullmatch(r"[a-z0-9]{1,64}", name):
        raise InputError(f"{identity} is damaged: it names no run of W&B. Remove it to begin a new one there.")
    arguments: dict[str, Any] = {"id": name, "resume": "allow"}
    if "WANDB_MODE" not in os.environ and not wandb.login(prompt=False):
        arguments["mode"] = "offline"
    return arguments
