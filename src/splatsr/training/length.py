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
    if trainer.get("overfit_batches"):
        raise InputError(
            "trainer.overfit_batches would exchange the sampler, which decides what every crop is; to train on a few images "
            "again and again name them in data.train, and make data.batches_per_epoch small."
        )
    if trainer.get("barebones"):
        raise InputError("trainer.barebones keeps no weights; to see how long a step takes use +trainer.profiler=simple.")
    for name in ("default_root_dir", "callbacks", "logger", "use_distributed_sampler"):
        if name in trainer:
            raise InputError(f"nothing reads trainer.{name}: the job sets it (callbacks and loggers are groups of their own).")


def check_epoch(trainer: Mapping[str, Any], batches: int) -> None:
    """InputError where an epoch of so many batches is too short for what the settings of a trainer make of it."""
    limit, interval = trainer.get("limit_train_batches"), trainer.get("val_check_interval")
    parts = trainer.get("accumulate_grad_batches") or 1
    if parts > 1 and limit is not None:
        raise InputError(
            "trainer.limit_train_batches would count parts of batches with trainer.accumulate_grad_batches; set "
            "data.batches_per_epoch instead."
        )
    batches *= parts
    if isinstance(limit, float) and int(limit * batches) < 1:
        raise InputError(
            f"trainer.limit_train_batches={limit:g} leaves nothing of an epoch of {batches} batches (data.batches_per_epoch)."
        )
    if isinstance(limit, int | float):
        batches = min(int(limit * batches) if isinstance(limit, float) else limit, batches)
    by_epoch = trainer.get("check_val_every_n_epoch", 1) is not None
    if isinstance(interval, int) and interval > batches and by_epoch:
        raise InputError(
            f"trainer.val_check_interval={interval} is longer than an epoch, which has {batches} batches; to count over epochs "
            "set trainer.check_val_every_n_epoch=null."
        )
    if isinstance(interval, float) and not by_epoch:
        raise InputError(
            f"trainer.val_check_interval={interval:g} is a part of an epoch; with trainer.check_val_every_n_epoch=null it must "
            "be a whole number of batches."
        )
    if isinstance(interval, float) and int(interval * batches) < 1:
        raise InputError(f"trainer.val_check_interval={interval:g} of an epoch of {batches} batches is less than one batch.")
