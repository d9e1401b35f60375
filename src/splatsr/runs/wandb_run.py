"""A run on W&B: its identity, how its metrics are summed up, and its weights as artifacts."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from splatsr.disk.read_back import read_text
from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError

STEP = "trainer/global_step"
"""The x axis of every curve: the training's step."""

BETTER = {"psnr": "max", "ssim": "max", "lpips": "min", "dists": "min"}
"""Which end of a validation's curve is the better one."""


def arguments_of(folder: Path) -> dict[str, Any]:
    """What W&B's logger is told besides its configuration: which run this is, and offline where there is no key.

    wandb_run.txt in the run's folder keeps the identity, so that a resumed training goes on in the same run.

    Raises:
        InputError: wandb_run.txt is damaged.
    """
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
    return {
        **arguments,
        "log_model": False,
    }  # `log_weights` does it: model files are a third of a checkpoint, and open anywhere


def define_summaries(log: WandbLogger, protocol: str | None) -> None:
    """Every curve over the step; tables of runs show the best value of a validation, and the lowest loss.

    Args:
        log: of a run.
        protocol: the name of the run's protocol, which stands in the names of its figures; None where it has none.
    """
    summaries = {"train/loss": "min", "train/images_per_second": "mean"}
    for metric, better in BETTER.items():
        summaries[f"val/{metric}"] = better
        if protocol is not None:
            summaries |= {f"val/{protocol}/{metric}{channels}/*": better for channels in ("", "_y", "_rgb")}
    for name, summary in summaries.items():
        log.experiment.define_metric(name, step_metric=STEP, step_sync=True, summary=summary)


def log_weights(log: WandbLogger, files: Mapping[str, Path], metadata: Mapping[str, Any]) -> None:
    """Model files as versions of one artifact, model-<run>; `files` by the alias (last, best) under which they are found."""
    import wandb

    for alias, file in files.items():
        artifact = wandb.Artifact(f"model-{log.experiment.id}", type="model", metadata=dict(metadata))
        artifact.add_file(str(file), name="model.safetensors")
        log.experiment.log_artifact(artifact, aliases=[alias])


def sum_up(log: WandbLogger, values: Mapping[str, Any]) -> None:
    """Writes values into the run's summary, which tables and sweeps read."""
    for name, value in values.items():
        log.experiment.summary[name] = value


def online(loggers: Sequence[Any]) -> list[WandbLogger]:
    """Those of the loggers that are W&B's."""
    return [log for log in loggers if isinstance(log, WandbLogger)]
