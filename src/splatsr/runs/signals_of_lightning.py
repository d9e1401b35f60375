"""Lightning puts a handler of its own in place of ours: on SIGTERM it would wait for other devices' processes that are gone."""

from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from splatsr.runs.termination import listen_again


class OwnSignals(Callback):
    """Puts `runs.termination` back as soon as Lightning has begun; not where Slurm is to queue the job again by itself."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Of a training."""
        _take_back(trainer)

    def on_predict_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Of a collection of kernels."""
        _take_back(trainer)


def _take_back(trainer: Any) -> None:
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if not getattr(environment, "auto_requeue", False):
        listen_again()
