"""What a validation measures: any metric of single images, under the run's own protocol, on all devices.

LR images and their sizes are made by the protocol's rule too (`data.low_resolution`), so that the curves of a training and the
tables after it speak of the same thing. Logged as val/<protocol>/<metric>/<set>/<scale>, for example
val/L-pil/psnr_y/set5/x4, and the mean over sets and scales as val/<metric>, val/psnr, by which the best checkpoint is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from splatsr.data.evaluation_pairs import Pair
from splatsr.errors import InputError
from splatsr.metrics.choice import Choice, choose_metrics
from splatsr.metrics.logged_names import logged_name
from splatsr.metrics.mean import MeanOverImages
from splatsr.metrics.names import check_metrics
from splatsr.metrics.over_ranks import mean_over_ranks
from splatsr.metrics.protocol import Protocol


class Validation(Callback):
    """Measures the predictions that the module returns from its validation steps.

    Args:
        protocol: what is compared, and how.
        metrics: of psnr, ssim, lpips, dists. One whose trained network is not on this machine is left out, with a line that
            says which file belongs where.

    Raises:
        InputError: a name is no metric, or one of whole sets (fid).
    """

    def __init__(self, *, protocol: Protocol, metrics: Sequence[str]) -> None:
        check_metrics(metrics, "callbacks.validation.metrics")
        if "fid" in metrics:
            raise InputError("callbacks.validation.metrics: fid compares whole sets; it is measured after the training.")
        self.protocol, self.metrics = protocol, tuple(metrics)
        self._choice: Choice | None = None
        self._meters: dict[tuple[str, str], MeanOverImages] = {}

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Loads the networks of those metrics that have one, once."""
        if self._choice is None:
            self._choice = choose_metrics(self.metrics, trainer.strategy.root_device)

    def on_validation_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Forgets the figures of the last validation."""
        self._meters = {}

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Pair | None,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measures one test image at one scale; None stands where a process has none."""
        if not isinstance(outputs, Tensor) or batch is None:
            return
        target = self.protocol.cut(batch.hr.cpu(), batch.scale)
        prediction = self.protocol.cut(outputs.cpu(), batch.scale)
        assert self._choice is not None  # setup has come before
        for requested, make in self._choice.make.items():
            metric = self.protocol.metric(requested)
            name = logged_name("val", self.protocol, metric.name, batch.set_name, batch.scale)
            compared = [image if metric.sees_rgb else self.protocol.channels(image) for image in (prediction, target)]
            fresh = make()
            assert isinstance(fresh, MeanOverImages)  # all metrics are but fid
            self._meters.setdefault((requested, name), fresh).update(*compared)

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Logs the means over the images of all processes, per set and scale, and the mean of those for each metric."""
        means = mean_over_ranks(self._meters)
        for requested in self.metrics:
            values = {name: value for (metric, name), value in means.items() if metric == requested}
            for name, value in values.items():
                _log(pl_module, name, value)
            if values:
                _log(pl_module, f"val/{requested}", sum(values.values()) / len(values), prog_bar=requested == "psnr")


def _log(module: lightning.LightningModule, name: str, value: float, *, prog_bar: bool = False) -> None:
    module.log(name, value, prog_bar=prog_bar, sync_dist=True)  # equal everywhere already; without sync_dist Lightning warns
