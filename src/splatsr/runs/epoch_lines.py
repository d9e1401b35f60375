"""Progress of a training: bars on a terminal, a line per epoch where the output is a file."""

import lightning
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar
from rich.console import Console


def progress_callback() -> ProgressBar:
    """Lightning's rich progress bar on a terminal, `EpochLines` elsewhere."""
    return RichProgressBar() if Console().is_terminal else EpochLines()


class EpochLines(ProgressBar):
    """Prints one line when an epoch ends. (A ProgressBar, lest Lightning adds a bar of its own.)"""

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self.on_train_epoch_end = lambda *_: None

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Epoch, last loss and last validation PSNR."""
        figures = {name: value.item() for name, value in trainer.callback_metrics.items()}
        told = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: loss {figures['train/loss']:.4f}"
        if "val/psnr" in figures:
            told += f", validation PSNR {figures['val/psnr']:.2f} dB"
        Console().print(told, soft_wrap=True)
