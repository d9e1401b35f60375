"""Progress of Lightning's loops: bars on a terminal, lines where the output is a file."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar
from rich.console import Console


def training_progress() -> ProgressBar:
    """Lightning's rich progress bar on a terminal, a line per epoch elsewhere."""
    return RichProgressBar() if Console().is_terminal else EpochLines()


def prediction_progress(task: str) -> ProgressBar:
    """Lightning's rich progress bar on a terminal, a line for every tenth elsewhere; `task` says what is going on."""
    return RichProgressBar() if Console().is_terminal else TenthLines(task)


class EpochLines(ProgressBar):
    """Prints one line when an epoch ends. (A ProgressBar, lest Lightning adds a bar of its own.)"""

    def __init__(self) -> None:
        super().__init__()
        self.silent = False

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self.silent = True

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Epoch, last loss and last validation PSNR."""
        if self.silent:
            return
        figures = {name: value.item() for name, value in trainer.callback_metrics.items()}
        line = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: loss {figures['train/loss']:.4f}"
        if "val/psnr" in figures:
            line += f", validation PSNR {figures['val/psnr']:.2f} dB"
        Console().print(line, soft_wrap=True)


class TenthLines(ProgressBar):
    """Prints a line for every tenth of the first process's batches of a `predict`."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task, self.start, self.tenths, self.silent = task, time.monotonic(), 0, False

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self.silent = True

    def on_predict_batch_end(
        self, trainer: lightning.Trainer, _: lightning.LightningModule, __: Any, ___: Any, batch_idx: int, ____: int = 0
    ) -> None:
        """The share that is done, when it has come to another tenth."""
        share = (batch_idx + 1) / trainer.num_predict_batches[0]
        if not self.silent and int(10 * share) > self.tenths:
            self.tenths = int(10 * share)
            seconds = time.monotonic() - self.start
            Console().print(f"{self.task}: {10 * self.tenths} % after {seconds:.0f} s", soft_wrap=True)
