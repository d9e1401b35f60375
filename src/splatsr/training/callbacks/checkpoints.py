"""Which weights a training keeps: the last ones, to go on from, and the best ones of its validations."""

from pathlib import Path

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint


class LastCheckpoint(ModelCheckpoint):
    """checkpoints/last.ckpt in the run's folder, after every epoch: what `resume` goes on from."""

    def __init__(self) -> None:
        super().__init__(filename="last", save_on_train_epoch_end=True, enable_version_counter=False)

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Takes the run's folder from the trainer."""
        self.dirpath = str(Path(trainer.default_root_dir) / "checkpoints")
        super().setup(trainer, pl_module, stage)


class BestCheckpoint(ModelCheckpoint):
    """checkpoints/epochEEE-psnrPP.PPP.ckpt in the run's folder: the validation with the highest mean of a metric.

    Args:
        monitor: a summary that `callbacks.validation` logs, such as val/psnr; more is better.
    """

    def __init__(self, *, monitor: str) -> None:
        name = monitor.rpartition("/")[2]
        super().__init__(
            filename=f"epoch{{epoch:03d}}-{name}{{{monitor}:.3f}}", monitor=monitor, mode="max", auto_insert_metric_name=False
        )

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Takes the run's folder from the trainer."""
        self.dirpath = str(Path(trainer.default_root_dir) / "checkpoints")
        super().setup(trainer, pl_module, stage)
