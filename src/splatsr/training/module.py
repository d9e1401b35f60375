"""The one LightningModule: trains any model on any loss, and knows none by name."""

from collections.abc import Callable, Mapping
from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import KEY
from splatsr.data.evaluation_pairs import Pair
from splatsr.errors import InputError
from splatsr.metrics.evaluation import predict
from splatsr.metrics.logged_names import logged_name
from splatsr.metrics.over_ranks import mean_over_ranks
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.psnr import PSNR


class SuperResolution(lightning.LightningModule):
    """Minimises the loss of model(lr) and hr, on whole crops or on pixels.

    Args:
        model_config: nested plain dicts from which `build` makes the model; kept in every checkpoint.
        samples: what of a batch is compared, see `samples`.
        loss: of the (prediction, target) that it returns, unclamped and in [0, 1].
        optimizer: called with the parameters.
        schedule: called with the optimizer, the number of epochs and the steps in each, see `schedules`.
        protocol: of the validation PSNR.
        seed: random layers (drop path) are reseeded from it and the epoch, so that a resumed run repeats them.
    """

    def __init__(
        self,
        *,
        model_config: Mapping[str, Any],
        samples: Callable[..., tuple[Tensor, Tensor]],
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler],
        protocol: Protocol,
        seed: int,
    ) -> None:
        super().__init__()
        self.model_config = dict(model_config)
        self.model = build(self.model_config)
        if not self.model.has_weights:
            raise InputError(f"{type(self.model).__name__} has no weights to train; use job=evaluate or job=upscale.")
        self.samples, self.loss = samples, loss
        self.optimizer, self.schedule, self.protocol, self.seed = optimizer, schedule, protocol, seed
        self.validation: dict[str, PSNR] = {}

    def on_train_epoch_start(self) -> None:
        """Reseeds, so that an epoch's randomness does not depend on what was run before it; processes drop other paths."""
        torch.manual_seed(self.seed + self.current_epoch + 1_000_003 * self.global_rank)

    def training_step(self, batch: dict[str, Any], number: int) -> Float[Tensor, ""]:
        """One batch, see `data.crops`; what is drawn from it depends on (seed, epoch, number, process) alone."""
        random = np.random.default_rng([self.seed, self.current_epoch, number, self.global_rank])
        loss = self.loss(*self.samples(self.model(batch["lr"]), batch, random))
        told = self.trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean")  # over devices: all stop, or none
        if not torch.isfinite(told):
            raise InputError(
                f"the loss became {told.item()} at step {self.global_step}: training diverged. Lower optimizer.lr, "
                "clip gradients (trainer.gradient_clip_val=1) or use model/initialisation=blurred_lr; the last checkpoint "
                "is intact."
            )
        self.log("train/loss", told, prog_bar=True, batch_size=len(batch["lr"]))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Empties the metrics."""
        self.validation = {}

    def validation_step(self, pair: Pair | None, _: int) -> None:
        """One whole test image at one scale; None where there are fewer of them than processes."""
        if pair is None:
            return
        key = logged_name("val", self.protocol.metric("psnr").name, pair.set_name, pair.scale)
        metric = self.validation.setdefault(key, PSNR())
        prediction = self.protocol.prepare(predict(self.model, pair), pair.scale)
        metric.update(prediction, self.protocol.prepare(pair.hr.cpu(), pair.scale))

    def on_validation_epoch_end(self) -> None:
        """Logs the mean PSNR per set and scale, and val/psnr, the mean of those, by which the best checkpoint is kept."""
        means = mean_over_ranks(self.validation)
        self.log_dict(means, sync_dist=True)  # equal everywhere already; without it Lightning warns
        if means:
            self.log("val/psnr", sum(means.values()) / len(means), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> dict[str, Any]:
        """Optimizer and schedule, stepped every batch."""
        optimizer = self.optimizer(self.model.parameters())
        epochs = int(self.trainer.max_epochs)
        steps_per_epoch = int(self.trainer.estimated_stepping_batches) // epochs
        scheduler = self.schedule(optimizer, epochs=epochs, steps_per_epoch=steps_per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what `splatsr.load` needs."""
        checkpoint[KEY] = {"model": self.model_config}
