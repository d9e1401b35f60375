"""How long a training is, as the trainer's settings say it."""

from collections.abc import Mapping
from typing import Any

from splatsr.errors import InputError


def check_length(trainer: Mapping[str, Any]) -> None:
    """InputError where the settings of a trainer make no training, one without an end, or one that leaves no checkpoint."""
    epochs, steps = trainer.get("max_epochs"), trainer.get("max_steps", -1)
    for name, value in (("max_epochs", epochs), ("max_steps", steps)):
        if value == 0:
            raise InputError(f"trainer.{name} must be at least 1; got 0.")
    if epochs in (None, -1) and steps == -1:
        raise InputError(
            "the schedule ends with the training: trainer.max_epochs or trainer.max_steps must be at least 1; trainer.max_time "
            "may end it earlier."
        )
    if trainer.get("fast_dev_run"):
        raise InputError("trainer.fast_dev_run keeps no weights; to see whether a run works use debug=tiny.")
    for name in ("default_root_dir", "callbacks", "logger", "use_distributed_sampler"):
        if name in trainer:
            raise InputError(f"nothing reads trainer.{name}: the job sets it (callbacks and loggers are groups of their own).")
