"""What a training says before its first step: the model, the data, how long, on what, where, and what it begins with."""

from collections.abc import Sequence

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from splatsr.data.module import PhotoData
from splatsr.geometry import Number
from splatsr.image.model import Model
from splatsr.metrics.figure import scale_name
from splatsr.metrics.protocol import Protocol
from splatsr.runs.machine import processor
from splatsr.runs.run import Run
from splatsr.shown import show


class Header(Callback):
    """Shows the header when everything is made and a checkpoint has been read; in the first process only.

    Args:
        run: the run that begins or goes on.
        protocol: of its measurements.
        scales: that are measured at its end.
        debug: what debug=tiny does to it; None without.
        begins: what it begins with, or why it does not go on; None: it goes on from a checkpoint.
        was_on: `describe_device` of the training that wrote that checkpoint; None where that is not known.
    """

    def __init__(
        self,
        *,
        run: Run,
        protocol: Protocol,
        scales: Sequence[Number],
        debug: str | None,
        begins: str | None,
        was_on: str | None,
    ) -> None:
        self.run, self.protocol, self.scales, self.debug = run, protocol, scales, debug
        self.begins, self.was_on = begins, was_on

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Before the first batch."""
        if not trainer.is_global_zero:
            return
        data: PhotoData = trainer.datamodule  # type: ignore[attr-defined] # Lightning sets it without declaring it
        lines = {
            "debug": self.debug,
            "model": describe_model(pl_module.model),  # type: ignore[arg-type] # the one module that is trained has one
            "trains on": describe_crops(data, trainer.limit_train_batches),
            "measures": self._measured(data),
            "length": f"{_epochs(trainer)}{count(int(trainer.estimated_stepping_batches), 'step')}",
            "device": self._device(trainer),
            "seed": str(self.run.seed),
            "begins": self.begins or f"goes on after epoch {trainer.current_epoch}, step {trainer.global_step}",
            "folder": str(self.run.folder),
        }
        for name, text in lines.items():
            if text is not None:
                show(f"{name:<10} {text}")
        show("")

    def _device(self, trainer: lightning.Trainer) -> str:
        device = describe_device(trainer)
        if self.was_on in (None, device):
            return device
        return f"{device} (so far {self.was_on}: from here on the same to rounding, not bit for bit)"

    def _measured(self, data: PhotoData) -> str:
        if not data.test_sets:
            return "nothing: there are no test images (data.test)"
        sets = ", ".join(f"{name} ({count(len(images), 'image')})" for name, images in data.test_sets.items())
        during = f"while training at {_scales(data.validation_scales)}; " if data.validation_scales else ""
        return f"{sets} under protocol {self.protocol.name}: {during}at the end at {_scales(self.scales)}"


def describe_model(model: Model) -> str:
    """Its name, its encoder's, and its parameters."""
    parameters = sum(weight.numel() for weight in model.parameters())
    encoder = getattr(model, "encoder", None)
    named = model.name if encoder is None else f"{model.name} on {type(encoder).__name__}"
    size = f"{parameters / 1e6:.2f} million" if parameters >= 1e5 else f"{parameters:,}"
    return f"{named}, {size} parameters"


def describe_crops(data: PhotoData, limit: int | float | None) -> str:
    """How many photographs, and what an epoch is made of; `limit` as trainer.limit_train_batches."""
    batches = data.batches_per_epoch
    if limit is not None:
        batches = min(batches, int(limit * batches) if isinstance(limit, float) else limit)
    low, high = (f"{scale:g}" for scale in data.scale_range)
    scales = f"x{low}" if low == high else f"x{low} to x{high}"
    side = f"{data.patch}x{data.patch} {'HR' if data.patch_of == 'hr' else 'LR'} pixels"
    of_each = f"{batches} x {data.batch_size}" + (f", each in {data.parts} parts" if data.parts > 1 else "")
    crops = f"{count(batches * data.batch_size, 'crop')} ({of_each}) of {side} at {scales}"
    drawn = f" and {count(data.drawings, 'drawing')}" if data.drawings else ""
    photographs = count(len(data.crops.photographs) - data.drawings, "photograph")
    return f"{photographs}{drawn}; an epoch is {crops}"


def describe_device(trainer: lightning.Trainer) -> str:
    """The devices that train, and the precision."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"CPU, {processor()}, {count(torch.get_num_threads(), 'thread')}"
    processes = f"{trainer.world_size} x " if trainer.world_size > 1 else ""
    return f"{processes}{name}; precision {trainer.precision}"


def count(number: int, noun: str) -> str:
    """1 image, 2 images, 20,000 images."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _epochs(trainer: lightning.Trainer) -> str:
    epochs = trainer.max_epochs
    return f"{count(epochs, 'epoch')}, " if epochs is not None and epochs > 0 else ""


def _scales(scales: Sequence[Number]) -> str:
    return ", ".join(scale_name(scale) for scale in scales)
