"""Which checkpoint a training goes on from; a damaged one is told from a whole one before anything else happens."""

import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.trainer.connectors import checkpoint_connector

from splatsr.checkpoints.files import check_checksums, read_pickle
from splatsr.errors import InputError

NEEDED = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "epoch", "global_step")
"""What a training's checkpoint holds."""


def choose_checkpoint(folder: Path, asked: str | None, *, batches: int | None = None) -> Path | None:
    """The run's checkpoints/last.ckpt, or the file that was asked for; None where the run has none yet.

    Args:
        folder: of the run.
        asked: as `resume` gives it: a checkpoint (.ckpt), or anything else.
        batches: after which an epoch ends, where a setting says so and not the data (trainer.limit_train_batches).

    Raises:
        InputError: the file is damaged, or from the middle of an epoch (the newest one that is neither is named), or not
            there although it was asked for.
    """
    path = folder / "checkpoints/last.ckpt"
    if asked is not None and asked.endswith(".ckpt"):
        path = Path(asked)
        if not os.path.isfile(path):  # False too where the system takes no such name
            raise InputError(f"resume={asked}: no such file.")
        if path.resolve().parent != (folder / "checkpoints").resolve():
            raise InputError(f"resume={asked} is none of {folder}; to begin with its weights give checkpoint={asked}.")
    elif not path.exists():
        return None
    if (fault := _fault(path, batches)) is None:
        return path
    others = sorted(set(folder.glob("checkpoints/*.ckpt")) - {path}, key=lambda one: one.stat().st_mtime, reverse=True)
    for other in others:
        if _fault(other, batches) is None:
            raise InputError(f"{fault} Go on from the newest one that is whole: 'resume=\"{other}\"'.")
    raise InputError(f"{fault} There is no other to go on from; start anew without resume.")


def is_of_restoring(error: BaseException) -> bool:
    """Whether an error arose as Lightning gave a checkpoint's content back to a training: it is not what a training wrote."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(
        frame.f_globals.get("__name__") == checkpoint_connector.__name__
        and frame.f_code.co_name.lstrip("_").startswith(("restore", "resume"))
        for frame in frames
    )


def _fault(path: Path, batches: int | None) -> str | None:
    """Why a training cannot go on exactly from a checkpoint, None where it can."""
    try:
        check_checksums(path)
        content = read_pickle(path)
    except InputError as error:
        return str(error)
    missing = [key for key in NEEDED if not isinstance(content, Mapping) or key not in content]
    if missing:
        return f"{path} is no checkpoint of a training: it has no {missing[0]}."
    if _is_within_epoch(content["loops"], batches):
        return f"{path} was written in the middle of an epoch, from where a training does not go on exactly."
    return None


def _is_within_epoch(loops: Any, batches: int | None) -> bool:
    """Whether Lightning's loops say that batches of the epoch were still to come. (An epoch that trainer.max_steps ends
    is over; it counts as processed where the callbacks of its end are at work.)"""
    of_batches = _within(loops, "fit_loop", "epoch_loop.batch_progress")
    of_epochs = _within(loops, "fit_loop", "epoch_progress", "current")
    ready, is_last = _within(of_batches, "current", "ready"), _within(of_batches, "is_last_batch")
    if not isinstance(ready, int) or is_last is not False or (batches is not None and ready >= batches):
        return False
    return ready > 0 and _within(of_epochs, "processed") != _within(of_epochs, "ready")


def _within(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content
