"""Where a run's figures go: CSV always, TensorBoard and W&B when chosen; everything inside the run's folder."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr.checkpoints.files import load_model, read_model, save_model
from splatsr.disk.leftovers import remove_leftovers
from splatsr.errors import InputError
from splatsr.metrics.figure import Evaluation
from splatsr.metrics.logged_names import logged_name
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.record import row_key, set_rows
from splatsr.runs.configuration import instantiate
from splatsr.runs.run import Run
from splatsr.runs.wandb_run import arguments_of, define_summaries, log_weights, online, sum_up
from splatsr.training.callbacks.checkpoints import BestCheckpoint
from splatsr.training.callbacks.dashboard import log_picture


@contextmanager
def open_loggers(logger: Mapping[str, Any], run: Run) -> Iterator[list[Logger]]:
    """The configured loggers, with the whole configuration logged; closed whatever happens.

    W&B's run keeps its identity in wandb_run.txt, so that a resumed training goes on in the same one. Where several processes
    train together only the first has it.
    """
    rank = rank_zero_only.rank  # type: ignore[attr-defined] # kept on the function
    chosen = {name: one for name, one in logger.items() if one is not None and (name != "wandb" or rank == 0)}
    if "tensorboard" in chosen:
        _tensorboard_is_there()
    remove_leftovers(run.folder)  # names of checkpoints and of logs come only once
    loggers = [
        instantiate(one, f"logger.{name}", **(arguments_of(run.folder) if name == "wandb" else {}))
        for name, one in chosen.items()
    ]
    status = "failed"
    try:
        for log in loggers:
            if not isinstance(log, CSVLogger):  # its copy is not written whole, and config.yaml lies beside it
                log.log_hyperparams(dict(run.settings))
        for log in online(loggers):
            define_summaries(log, run.settings["protocol"]["name"] if "protocol" in run.settings else None)
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
    for log in online(loggers):
        log.log_table(
            "test/table",
            columns=["set", "scale", *rows[0][2]],
            data=[[set_name, scale, *row.values()] for set_name, scale, row in rows],
            step=step,
        )
    for picture in sorted((folder / "pictures").glob("*.png")):
        log_picture(loggers, f"test/pictures/{picture.stem}", picture, step)


def log_trained(loggers: Sequence[Logger], logger: Mapping[str, Any], weights: Path, best: BestCheckpoint | None) -> None:
    """What a training ends with, on W&B: its best validation in the summary, and weights as artifacts where log_model is true.

    Args:
        loggers: of the run.
        logger: their configuration.
        weights: the run's model file.
        best: what kept the best validation's checkpoint; None where nothing was validated.
    """
    chosen = best.best_model_path if best is not None else ""
    for log in online(loggers):
        if best is not None and best.best_model_score is not None:
            sum_up(
                log, {"best/figure": float(best.best_model_score), "best/metric": best.monitor, "best/file": Path(chosen).name}
            )
        if logger["wandb"]["log_model"]:
            files = {"last": weights}
            with tempfile.TemporaryDirectory() as folder:
                if chosen and Path(chosen).is_file():
                    files["best"] = Path(folder) / "model.safetensors"
                    save_model(load_model(chosen), read_model(chosen)[0], files["best"])
                log_weights(log, files, {"folder": str(weights.parent)})


def _tensorboard_is_there() -> None:
    if find_spec("tensorboard") is None:
        raise InputError("logger=tensorboard needs the package tensorboard: pip install 'splatsr[tensorboard]'.")
