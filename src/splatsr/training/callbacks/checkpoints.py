"""Which weights a training keeps: the last ones, to go on from, and the best ones of its validations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from splatsr.errors import InputError

_MORE_IS_BETTER = ("psnr", "ssim")


class LastCheckpoint(ModelCheckpoint):
    """checkpoints/last.ckpt in the run's folder, after every epoch: what `resume` goes on from."""

    def __init__(self) -> None:
        super().__init__(filename="last", save_on_train_epoch_end=True, enable_version_counter=False)

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Takes the run's folder from the trainer."""
        self.dirpath = str(Path(trainer.default_root_dir) / "checkpoints")
        super().setup(trainer, pl_module, stage)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Knows its file also where the run's folder has been moved meanwhile."""
        super().load_state_dict(_as_in(Path(self.dirpath or ""), state_dict))


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

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Knows the best so far also where the run's folder has been moved meanwhile."""
        super().load_state_dict(_as_in(Path(self.dirpath or ""), state_dict))


def _as_in(folder: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a callback remembers of its files, as if it had always written them to this folder."""
    before = Path(state.get("dirpath") or "")

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {moved(key): one for key, one in value.items()}
        return str(folder / Path(value).name) if isinstance(value, str) and Path(value).parent == before else value

    return {**{key: moved(value) for key, value in state.items()}, "dirpath": str(folder)}


def check_monitored(callbacks: Sequence[Callback], metrics: Sequence[str]) -> None:
    """InputError where the best is to be kept of what a validation by these metrics does not give."""
    given = [f"val/{metric}" for metric in metrics if metric in _MORE_IS_BETTER]
    for callback in callbacks:
        if isinstance(callback, BestCheckpoint) and callback.monitor not in given:
            raise InputError(
                f"callbacks.best keeps the highest {callback.monitor}, and callbacks.validation.metrics=[{','.join(metrics)}] "
                f"does not give it: add psnr to them, set callbacks.best.monitor to {' or '.join(given) or 'val/psnr'}, or "
                "leave it out with '~callbacks.best'."
            )
