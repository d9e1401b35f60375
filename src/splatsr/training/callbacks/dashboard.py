"""What a training shows while it runs: gradient norm, images per second, the best figure so far, pictures per validation."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from torch import Tensor
from torch.optim import Optimizer

from splatsr.bounds import Natural
from splatsr.data.evaluation_pairs import EvaluationPairs
from splatsr.data.image_names import file_stems
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image_files.reading import read_image
from splatsr.metrics.figure import scale_name
from splatsr.metrics.protocol import Protocol
from splatsr.resize.levels import to_uint8

log = logging.getLogger(__name__)

ZOOMED = 64
"""LR pixels along a side of what is zoomed into on W&B, from the image's middle: some hundred kilobytes a validation."""


class Dashboard(Callback):
    """Logs what the model cannot know, and draws the first test image after every validation.

    Stands before the averaging callback in conf/callbacks: its pictures then show the averaged weights, as the validation does.

    Args:
        protocol: of the pictures' LR images and figures.
        pictures: 0: nothing is drawn. (More than one image per validation is never drawn.)
    """

    def __init__(self, *, protocol: Protocol, pictures: Natural) -> None:
        self.protocol, self.pictures = protocol, pictures
        self.best = float("-inf")
        self._last_end: float | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A validation lies between the epochs: the clock starts anew."""
        self._last_end = None

    def on_before_optimizer_step(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, optimizer: Optimizer
    ) -> None:
        """train/gradient_norm, before clipping."""
        every = trainer.log_every_n_steps  # type: ignore[attr-defined] # Lightning sets it without declaring it
        if trainer.global_step % every == 0:
            gradients = [weight.grad for weight in pl_module.parameters() if weight.grad is not None]
            pl_module.log("train/gradient_norm", torch.nn.utils.get_total_norm(gradients))

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
    ) -> None:
        """train/images_per_second over all devices, from the end of the last batch: waiting for the loader counts."""
        now = time.perf_counter()
        if self._last_end is not None:
            images = len(batch["lr"]) * trainer.world_size
            pl_module.log("train/images_per_second", images / (now - self._last_end), batch_size=len(batch["lr"]))
        self._last_end = now

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A strip and the field of the first test image, where there is one."""
        data = trainer.datamodule  # type: ignore[attr-defined] # Lightning sets it without declaring it
        if self.pictures and trainer.is_global_zero and data.validation_scales and any(data.test_sets.values()):
            self._draw(trainer, pl_module)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
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
    def _draw(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """The first test image at the validation scale nearest to x4, into the run's pictures/validation."""
        from splatsr.pictures.field import draw_field  # matplotlib takes a second
        from splatsr.pictures.strip import draw_strip

        folder = Path(trainer.default_root_dir) / "pictures" / "validation"
        folder.mkdir(parents=True, exist_ok=True)
        data = trainer.datamodule  # type: ignore[attr-defined] # Lightning sets it without declaring it
        model, step = pl_module.model, trainer.global_step
        scale = min(data.validation_scales, key=lambda one: abs(one - 4))
        name, images = next(iter(data.test_sets.items()))
        first = next(image for image in images if image.comes_at(scale))
        (pair,) = EvaluationPairs({name: [first]}, [scale], self.protocol.low_resolution)
        stem = f"{name}-{file_stems([pair.name])[0]}-{scale_name(scale)}"
        strip = folder / f"{stem}-step{step:06d}.png"
        draw_strip({type(model).__name__: model}, pair, self.protocol, strip)
        log_picture(trainer.loggers, f"val/strip/{stem}", strip, step)
        field = model(pair.lr[None].to(pl_module.device))
        if isinstance(field, GaussianField):
            panel = folder / f"{stem}-step{step:06d}-field.png"
            draw_field(field.to("cpu"), pair.lr, panel, title=f"{pair.name}, step {step}")
            log_picture(trainer.loggers, f"val/field/{stem}", panel, step)
            log_page(trainer.loggers, f"val/zoom/{stem}", field.first().to("cpu"), pair.lr.cpu(), step)


def log_picture(loggers: Sequence[Logger], key: str, picture: Path, step: int) -> None:
    """Shows a PNG on the dashboards that show pictures."""
    for log in loggers:
        if isinstance(log, WandbLogger):
            log.log_image(key, [str(picture)], step=step, caption=[picture.stem])
        elif isinstance(log, TensorBoardLogger):
            log.experiment.add_image(key, read_image(picture), step, dataformats="HWC")


def log_page(loggers: Sequence[Logger], key: str, field: GaussianField, lr: Float[Tensor, "3 h w"], step: int) -> None:
    """Shows the middle of a field as a page to zoom into, on W&B; where no page can be made of it, as of kernels that are still
    far too wide, a line in the log says so."""
    shown = [one for one in loggers if isinstance(one, WandbLogger)]
    if not shown:
        return
    import wandb  # seconds, for those alone who use it

    from splatsr.viewer.page import Subject, page_of

    (top, bottom), (left, right) = spans = [_middle(side) for side in field.size]
    try:
        part = field.crop(rows=spans[0], columns=spans[1])
        page = page_of([Subject(key.rpartition("/")[2], [("model", part)], to_uint8(lr[:, top:bottom, left:right]))], title=key)
    except (InputError, ValueError) as error:
        log.info("%s: no page: %s", key, error)
        return
    for one in shown:
        shown_page: Any = wandb.Html(page, inject=False, data_is_not_path=True)
        one.log_metrics({key: shown_page}, step=step)


def _middle(side: int) -> tuple[int, int]:
    first = max(0, (side - ZOOMED) // 2)
    return first, min(side, first + ZOOMED)
