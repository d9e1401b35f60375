"""Progress of Lightning's loops: bars on a terminal, lines where the output is a file."""

import time
from typing import Annotated, Any

import lightning
from annotated_types import Ge
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor

from splatsr.geometry import Number
from splatsr.shown import show
from splatsr.training.duration import in_words

_BAR_SECONDS = 0.5
"""Between two figures beside the bar, which could not be read if they came faster."""


def prediction_progress(task: str) -> ProgressBar:
    """Lightning's rich progress bar on a terminal, a line for every tenth elsewhere; `task` says what is going on."""
    return RichProgressBar() if Console().is_terminal else TenthLines(task)


class TrainingProgress(ProgressBar):
    """A line when an epoch ends; while it runs a bar over the whole training on a terminal, elsewhere a line now and then.

    A line says epoch, step, the mean loss and the images per second since the epoch began (validations apart), what the epoch's
    validation measured (nothing where there was none), and the time that is left.

    Args:
        seconds_between_lines: within an epoch, where the output is no terminal.
    """

    def __init__(self, *, seconds_between_lines: Annotated[Number, Ge(0)]) -> None:
        super().__init__()
        self.seconds_between_lines, self.silent = seconds_between_lines, False
        self._bar: Progress | None = None
        self._begun: tuple[float, int] | None = None
        """When the first step of this process had been made, and which one it was: it compiles, and is no measure."""
        self._said = self._last_end = time.monotonic()
        self._loss: Tensor | float = 0.0
        self._batches = self._images = 0
        self._seconds, self._validated = 0.0, ""

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self.silent = True

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The bar begins where the training goes on."""
        self._said, self._begun = time.monotonic(), None
        console = Console()
        if not self.silent and console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
            )
            self._bar = Progress(*columns, console=console, transient=True)
            self._bar.add_task(_epoch(trainer), total=_steps(trainer), completed=trainer.global_step, figures="")
            self._bar.start()

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Forgets the figures of the last epoch."""
        self._forget()
        self._last_end = time.monotonic()
        self._show(trainer, _epoch(trainer))

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
    ) -> None:
        """Moves the bar; prints a line when it is time for one."""
        if self.silent:
            return
        now = time.monotonic()
        self._seconds, self._last_end = self._seconds + now - self._last_end, now
        self._images += len(batch["lr"]) * trainer.world_size
        self._loss, self._batches = self._loss + trainer.callback_metrics["train/loss"].detach(), self._batches + 1
        if self._begun is None:
            self._begun = (now, trainer.global_step)
        if now - self._said < (_BAR_SECONDS if self._bar is not None else self.seconds_between_lines) or trainer.is_last_batch:
            return
        self._said = now
        if self._bar is not None:
            self._show(trainer, _epoch(trainer), self._figures(trainer))
        else:
            show(f"{_epoch(trainer)}, step {trainer.global_step}/{_steps(trainer)}: {self._figures(trainer)}")

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The bar says what takes its time."""
        self._show(trainer, f"{_epoch(trainer)}, validating")

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keeps the figures for the epoch's line."""
        named = {"psnr": "PSNR {:.2f} dB", "ssim": "SSIM {:.4f}", "lpips": "LPIPS {:.4f}", "dists": "DISTS {:.4f}"}
        found = {name: trainer.callback_metrics.get(f"val/{name}") for name in named}
        texts = [named[name].format(value.item()) for name, value in found.items() if value is not None]
        self._validated = f"validation {', '.join(texts)}" if texts else ""
        self._last_end = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The epoch's line."""
        if self.silent:
            return
        line = f"{_epoch(trainer)}, step {trainer.global_step}/{_steps(trainer)}: {self._figures(trainer)}"
        self._show(trainer, _epoch(trainer))
        show(line)
        self._said = time.monotonic()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Takes the bar away."""
        self._stop()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException) -> None:
        """Takes the bar away."""
        self._stop()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Takes the bar away."""
        self._stop()

    def _forget(self) -> None:
        self._loss = 0.0
        self._batches = self._images = 0
        self._seconds, self._validated = 0.0, ""

    def _figures(self, trainer: lightning.Trainer) -> str:
        """Loss, rate, validation and time left as text."""
        texts = []
        if self._batches:
            texts = [f"loss {float(self._loss) / self._batches:.4f}", f"{self._images / max(self._seconds, 1e-9):.3g} images/s"]
        if self._validated:
            texts.append(self._validated)
        left = _steps(trainer) - trainer.global_step
        if self._begun is not None and left > 0 and trainer.global_step > self._begun[1]:
            per_step = (time.monotonic() - self._begun[0]) / (trainer.global_step - self._begun[1])
            texts.append(f"{in_words(left * per_step)} left")
        return ", ".join(texts)

    def _show(self, trainer: lightning.Trainer, description: str, figures: str | None = None) -> None:
        if self._bar is not None:
            (task,) = self._bar.tasks
            shown = task.fields["figures"] if figures is None else figures
            self._bar.update(task.id, description=description, completed=trainer.global_step, figures=shown)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _epoch(trainer: lightning.Trainer) -> str:
    """epoch 2/8; without the number of all where only the steps are limited."""
    last = trainer.max_epochs
    return f"epoch {trainer.current_epoch + 1}" + (f"/{last}" if last is not None and last > 0 else "")


def _steps(trainer: lightning.Trainer) -> int:
    """Steps of the whole training, with those that were made before it was resumed."""
    return int(trainer.estimated_stepping_batches)


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
