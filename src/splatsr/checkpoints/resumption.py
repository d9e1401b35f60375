"""Which checkpoint a training goes on from; a damaged one is told from a whole one before anything else happens."""

from collections.abc import Mapping
from pathlib import Path

from splatsr.checkpoints.files import check_checksums, read_pickle
from splatsr.errors import InputError

NEEDED = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "epoch", "global_step")
"""What a training's checkpoint holds."""


def choose_checkpoint(folder: Path, asked: str | None) -> Path | None:
    """The run's checkpoints/last.ckpt, or the file that was asked for; None where the run has none yet.

    Args:
        folder: of the run.
        asked: as `resume` gives it: a checkpoint (.ckpt), or anything else.

    Raises:
        InputError: the file is damaged (the newest one that is not is named), or not there although it was asked for.
    """
    path = folder / "checkpoints/last.ckpt"
    if asked is not None and asked.endswith(".ckpt"):
        path = Path(asked)
        if not path.is_file():
            raise InputError(f"resume={asked}: no such file.")
        if path.resolve().parent != (folder / "checkpoints").resolve():
            raise InputError(f"resume={asked} is none of {folder}; to begin with its weights give checkpoint={asked}.")
    elif not path.exists():
        return None
    if (fault := _fault(path)) is None:
        return path
    others = sorted(set(folder.glob("checkpoints/*.ckpt")) - {path}, key=lambda one: one.stat().st_mtime, reverse=True)
    for other in others:
        if _fault(other) is None:
            raise InputError(f"{fault} Go on from the newest one that is whole: 'resume=\"{other}\"'.")
    raise InputError(f"{fault} There is no other to go on from; start anew without resume.")


def _fault(path: Path) -> str | None:
    """What is wrong with a checkpoint of a training, None where nothing is."""
    try:
        check_checksums(path)
        content = read_pickle(path)
    except InputError as error:
        return str(error)
    missing = [key for key in NEEDED if not isinstance(content, Mapping) or key not in content]
    return f"{path} is no checkpoint of a training: it has no {missing[0]}." if missing else None
