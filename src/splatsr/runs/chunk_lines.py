"""Progress of a distributed `predict`: a bar on a terminal, a line per tenth where the output is a file."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar
from rich.console import Console


def predict_progress(doing: str) -> ProgressBar:
    """Lightning's rich progress bar on a terminal, `ChunkLines` elsewhere."""
    return RichProgressBar() if Console().is_terminal else ChunkLines(doing)


class ChunkLines(ProgressBar):
    """Prints a line for every tenth of the first process's batches. (A ProgressBar, lest Lightning adds a bar of its own.)"""

    def __init__(self, doing: str) -> None:
        super().__init__()
        self.doing, self.begun, self.tenths, self.silent = doing, time.monotonic(), 0, False

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self.silent = True

    def on_predict_batch_end(
        self, trainer: lightning.Trainer, _: lightning.LightningModule, __: Any, ___: Any, number: int, ____: int = 0
    ) -> None:
        """The share that is done, when it has reached another tenth."""
        share = (number + 1) / trainer.num_predict_batches[0]
        if not self.silent and int(10 * share) > self.tenths:
            self.tenths = int(10 * share)
            told = f"{self.doing}: {10 * self.tenths} % after {time.monotonic() - self.begun:.0f} s"
            Console().print(told, soft_wrap=True)
