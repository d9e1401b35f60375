"""What a training shows while it runs: gradient norm, images per second, the best figure so far, pictures per validation."""

import time
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch.optim import Optimizer

from splatsr.data.evaluation_pairs import L_PIL, Benchmark
from splatsr.data.module import PhotoData
from splatsr.image.field import GaussianField
from splatsr.metrics.figure import scale_name
from splatsr.runs.loggers import log_picture


class Dashboard(Callback):
    """Logs what the model cannot know, and draws the first test image after every validation.

    Stands before the averaging callback in the trainer's list: its pictures then show the averaged weights, as the
    validation does.

    Args:
        folder: pictures go to `folder`/pictures/validation.
        photographs: whose first test image is drawn, at the validation scale nearest to x4.
        pictures: whether to draw.
    """

    def __init__(self, *, folder: Path, photographs: PhotoData, pictures: bool) -> None:
        self.folder, self.photographs = folder / "pictures" / "validation", photographs
        self.pictures = pictures and bool(photographs.test_sets) and bool(photographs.validation_scales)
        self.best = float("-inf")
        self._last_end: float | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        """A validation lies between the epochs: the clock starts anew."""
        self._last_end = None

    def on_before_optimizer_step(
        self, trainer: lightning.Trainer, task: lightning.LightningModule, optimizer: Optimizer
    ) -> None:
        """train/gradient_norm, before clipping."""
        if trainer.global_step % trainer.log_every_n_steps == 0:
            gradients = [weight.grad for weight in task.parameters() if weight.grad is not None]
            task.log("train/gradient_norm", torch.nn.utils.get_total_norm(gradients))

    def on_train_batch_end(
        self, trainer: lightning.Trainer, task: lightning.LightningModule, outputs: Any, batch: dict[str, Any], number: int
    ) -> None:
        """train/images_per_second over all devices, from the end of the last batch: waiting for the loader counts."""
        now = time.perf_counter()
        if self._last_end is not None:
            images = len(batch["lr"]) * trainer.world_size
            task.log("train/images_per_second", images / (now - self._last_end), batch_size=len(batch["lr"]))
        self._last_end = now

    def on_validation_epoch_end(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        """A strip and the field of the first test image."""
        if self.pictures and trainer.is_global_zero:
            self._draw(trainer, task)

    def on_validation_end(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        """val/psnr_best. (Only now is val/psnr there.)"""
        if "val/psnr" in trainer.callback_metrics:
            self.best = max(self.best, trainer.callback_metrics["val/psnr"].item())
            for log in trainer.loggers:
                log.log_metrics({"val/psnr_best": self.best}, step=trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from the best figure so far."""
        self.best = state_dict["best"]

    @torch.inference_mode()
    def _draw(self, trainer: lightning.Trainer, task: Any) -> None:
        from splatsr.pictures.field import draw_field  # matplotlib takes a second
        from splatsr.pictures.strip import draw_strip

        self.folder.mkdir(parents=True, exist_ok=True)
        scale = min(self.photographs.validation_scales, key=lambda one: abs(one - 4))
        name, images = next(iter(self.photographs.test_sets.items()))
        (pair,) = Benchmark({name: images[:1]}, [scale], L_PIL)
        stem = f"{name}-{pair.path.stem}-{scale_name(scale)}"
        step = trainer.global_step
        strip = self.folder / f"{stem}-step{step:06d}.png"
        draw_strip({type(task.model).__name__: task.model}, pair, task.protocol, strip)
        log_picture(trainer.loggers, f"val/strip/{stem}", strip, step)
        field = task.model(pair.lr[None].to(task.device))
        if isinstance(field, GaussianField):
            panel = self.folder / f"{stem}-step{step:06d}-field.png"
            draw_field(field.to("cpu"), pair.lr, panel, title=f"{pair.path.stem}, step {step}")
            log_picture(trainer.loggers, f"val/field/{stem}", panel, step)
