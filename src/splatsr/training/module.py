"""The one LightningModule: trains any model on any loss, and knows none by name. What is measured is a callback's business."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import lightning
import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import KEY
from splatsr.data.evaluation_pairs import Pair
from splatsr.errors import InputError
from splatsr.metrics.evaluation import predict
from splatsr.training.supervision import Supervision
from splatsr.training.turns import turns_of


class SuperResolution(lightning.LightningModule):
    """Minimises the loss of model(lr) and hr, on whole crops or on single points of them.

    Args:
        model_config: nested plain dicts from which `checkpoints.build` makes the model; kept in every checkpoint.
        supervision: what of a batch is compared, see `training.supervision`.
        loss: of the (prediction, target) that it returns, unclamped and in [0, 1].
        optimizer: called with the parameters.
        schedule: called with the optimizer, the steps of the whole training and those of an epoch, see `training.schedules`.
        seed: random layers (drop path) are reseeded from it and the epoch, so that a resumed run repeats them.

    Raises:
        InputError: the model has nothing to train, or supervision and loss have not as many parts.
    """

    def __init__(
        self,
        *,
        model_config: Mapping[str, Any],
        supervision: Supervision,
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler],
        seed: int,
    ) -> None:
        super().__init__()
        self.model_config = dict(model_config)
        self.model = build(self.model_config)
        if not self.model.has_weights:
            raise InputError(f"{type(self.model).__name__} has no weights to train; use job=evaluate or job=upscale.")
        self.supervision, self.loss = supervision, loss
        self.turns = turns_of(supervision, loss)
        self._turn = self.turns[-1]
        self.optimizer, self.schedule, self.seed = optimizer, schedule, seed

    def on_train_epoch_start(self) -> None:
        """Reseeds, so that an epoch's randomness does not depend on what was run before it; processes drop other paths."""
        torch.manual_seed(self.seed + self.current_epoch + 1_000_003 * self.global_rank)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Float[Tensor, ""]:
        """One batch, or a part of one, see `data.crops`."""
        loss = self._turn.loss(*self._turn.supervision(self.model(batch["lr"]), batch))
        mean = self.trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean")  # over devices: all stop, or none
        self._check_finite("loss", mean)
        if self._turn is self.turns[-1]:
            self.log("train/loss", mean, prog_bar=True, batch_size=len(batch["lr"]))
        return loss

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        """A step for every turn: the closure makes the gradient of one. They share the optimizer and its averages."""
        for turn in self.turns:
            self._turn = turn
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Ends the run before a step that would make weights of a gradient that is not finite.

        (The renderer leaves kernels out that are not finite, so that the loss alone does not show it.)
        """
        if self.trainer.precision != "16-mixed":  # whose scaler skips such steps itself
            gradients = [weight.grad for weight in self.model.parameters() if weight.grad is not None]
            self._check_finite("gradient norm", torch.nn.utils.get_total_norm(gradients))

    def _check_finite(self, what: str, value: Float[Tensor, ""]) -> None:
        if not torch.isfinite(value):
            raise InputError(
                f"the {what} became {value.item()} at step {self.global_step}: training diverged. Lower optimizer.lr, "
                "clip gradients (trainer.gradient_clip_val=1) or use model/initialisation=blurred_lr; the last checkpoint "
                "is intact."
            )

    def validation_step(self, pair: Pair | None, _: int) -> Float[Tensor, "3 h w"] | None:
        """The model's image of one test image at one scale, on the CPU, unclamped; None stays None."""
        return None if pair is None else predict(self.model, pair)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimizer and schedule, stepped every batch.

        Raises:
            InputError: the trainer has no last step, or takes in parts a batch that several steps are taken on.
        """
        self.trainer.fit_loop.setup_data()  # Lightning counts the batches of an epoch only then
        if len(self.turns) > 1 and self.trainer.accumulate_grad_batches > 1:
            raise InputError(
                "several steps on a batch (supervision.parts) need the whole batch: leave trainer.accumulate_grad_batches out."
            )
        steps = self.trainer.estimated_stepping_batches
        if math.isinf(steps):
            raise InputError(
                "the schedule ends with the training: give its length by trainer.max_epochs or trainer.max_steps; "
                "trainer.max_time may end it earlier."
            )
        per_epoch = max(1, math.ceil(self.trainer.num_training_batches / self.trainer.accumulate_grad_batches))
        optimizer, scheduler = self.make_optimizer(steps=int(steps), steps_per_epoch=per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def make_optimizer(self, *, steps: int, steps_per_epoch: int) -> tuple[Optimizer, LRScheduler]:
        """The optimizer of the model's weights, and its schedule; InputError where one refuses its settings."""
        try:
            optimizer = self.optimizer(self.model.parameters())
        except (TypeError, ValueError) as error:
            raise InputError(f"optimizer: {error}") from error
        try:
            return optimizer, self.schedule(optimizer, steps=steps, steps_per_epoch=steps_per_epoch)
        except (TypeError, ValueError) as error:
            raise InputError(f"schedule: {error}") from error

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what `splatsr.load` needs; InputError, before anything is written, where a weight is not finite."""
        weights = {**self.model.state_dict(), **checkpoint["state_dict"]}  # the latter averaged, where they are
        if name := next((name for name, weight in weights.items() if not weight.isfinite().all()), None):
            raise InputError(
                f"{name} has values that are not finite at step {self.global_step}: training diverged. Lower optimizer.lr "
                "or raise schedule.warmup_steps; the last checkpoint is intact."
            )
        checkpoint[KEY] = {"model": self.model_config}
