"""What a training step costs on a GPU, and whether bfloat16 learns as float32 does: the parts of gpu_minutes.py that train.

Crops are random numbers on the device where only time counts, and crops of the embedded photographs where losses are compared.
"""

import itertools
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpu_rendering import DEVICE
from shards import make_photographs
from splatsr.data.device_crops import DeviceCrops
from splatsr.data.module import PhotoData
from splatsr.image.field import GaussianField
from splatsr.runs.configuration import instantiate
from splatsr.training.compilation import compile_parts
from training_steps import Steps

TOY = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8", "data.patch=24"]

SCALE = 4.0

MODELS = {
    "tiny": (["experiment=tiny_released"], [8, 64, 256]),
    "small": (["experiment=small_released"], [64]),
    "ours (SwinIR)": (["experiment=ours", "data=photos", "data.patch=256", "data.scale_range=[4,8]"], [16, 64]),
    "ours_plus (HAT)": (["experiment=ours_plus", "data=photos", "data.patch=256", "data.scale_range=[4,8]"], [16]),
}
"""Overrides of run.py, and the batches that are tried."""

CURVE_STEPS, CURVE_BATCH = 500, 16

LOADED = 64
"""Crops in a batch whose loading is timed."""


class DeviceSteps(Steps):
    """A training's steps on the device, in float32 or under autocast."""

    def __init__(self, *overrides: str, bf16: bool) -> None:
        super().__init__(*overrides)
        self.model.to(DEVICE).train()
        self.optimizer = instantiate(self.settings["optimizer"], "optimizer")(self.model.parameters())
        self.bf16 = bf16

    def precision(self) -> Any:
        """The context of a forward pass."""
        return torch.autocast(DEVICE.type, torch.bfloat16) if self.bf16 else nullcontext()

    def random_batch(self, crops: int) -> dict:
        """HR crops of random numbers and their means, at SCALE."""
        patch = self.settings["data"]["patch"]
        side = int(patch / SCALE)
        hr = torch.rand(crops, 3, round(side * SCALE), round(side * SCALE), device=DEVICE)
        return {"lr": torch.nn.functional.interpolate(hr, (side, side), mode="area"), "hr": hr, "scale": SCALE}

    def step(self, batch: dict, index: int) -> Tensor:
        """One step as a run takes it, its checks for finite values included; the loss."""
        self.optimizer.zero_grad()
        with self.precision():
            loss = self.loss(*self.supervision(self.model(batch["lr"]), batch))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if not (torch.isfinite(norm) and torch.isfinite(loss)):
            raise ValueError(f"step {index}: loss {loss.item()}, norm of the gradient {norm.item()}")
        self.optimizer.step()
        return loss.detach()


def step_milliseconds(work: Callable[[int], object], seconds: float) -> float:
    """Mean wall-clock time of a call after three untimed ones, for so many seconds or 50 calls."""
    for index in range(3):
        work(index)
    _wait()
    start, calls = time.perf_counter(), 0
    while calls < 50 and (calls < 3 or time.perf_counter() - start < seconds):
        work(calls)
        calls += 1
        if calls % 5 == 0:
            _wait()
    _wait()
    return 1000 * (time.perf_counter() - start) / calls


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def step_times(toy: bool) -> Iterator[dict]:
    """A row for every model, batch and precision: images per second, memory, and where the step's time goes."""
    for name, (overrides, batches) in MODELS.items():
        if toy and name != "tiny":
            continue
        for bf16 in (True, False):
            training = DeviceSteps(*overrides, *(TOY if toy else []), bf16=bf16)
            for crops in [2] if toy else batches:
                row = {"model": name, "batch": crops, "precision": "bf16-mixed" if bf16 else "32-true"}
                try:
                    yield {**row, **_step_times(training, crops)}
                except torch.OutOfMemoryError:
                    yield {**row, "out_of_memory": True}
            del training


def _step_times(training: DeviceSteps, crops: int) -> dict:
    if DEVICE.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    batch = training.random_batch(crops)
    whole = step_milliseconds(lambda index: training.step(batch, index), 1.0)
    peak = torch.cuda.max_memory_allocated() / 2**30 if DEVICE.type == "cuda" else None
    model = training.model

    def encoder(_: int) -> None:
        with training.precision():
            features = model.encoder(batch["lr"])
        features.backward(torch.ones_like(features))

    def network(_: int) -> None:
        with training.precision():
            field: GaussianField = model(batch["lr"])
        sum(part.sum() for part in (field.means, field.cholesky, field.colors)).backward()

    with torch.no_grad(), training.precision():
        made: GaussianField = model(batch["lr"])
    parts = [part.float().detach().requires_grad_() for part in (made.means, made.cholesky, made.colors)]

    def render(_: int) -> None:
        image = GaussianField(*parts, made.size, reference_scale=made.reference_scale).render(scale=SCALE)
        image.backward(batch["hr"])

    of_encoder, of_network, of_render = (step_milliseconds(work, 0.4) for work in (encoder, network, render))
    model.zero_grad()
    return {
        "step_ms": whole,
        "images_per_s": 1000 * crops / whole,
        "peak_gib": peak,
        "encoder_ms": of_encoder,
        "heads_ms": of_network - of_encoder,
        "render_ms": of_render,
    }


def loss_curves(toy: bool) -> Iterator[dict]:
    """The tiny model's loss, smoothed over 50 steps, from the same first weights on the same crops, in both precisions."""
    steps, crops = (6, 2) if toy else (CURVE_STEPS, CURVE_BATCH)
    common = ["experiment=tiny_released", "data=photos", f"data.batch_size={crops}", *(TOY if toy else [])]
    data: PhotoData = instantiate(
        {**Steps(*common).settings["data"], "batches_per_epoch": steps, "workers": 0 if toy else 8, "drawings": 0}, "data"
    )
    data.setup("fit")
    batches = [_moved(batch) for batch in data.train_dataloader()]
    losses = {}
    for bf16 in (False, True):
        torch.manual_seed(0)
        training = DeviceSteps(*common, bf16=bf16)
        losses[bf16] = [float(training.step(batch, index)) for index, batch in enumerate(batches)]
    window = 3 if toy else 50
    for end in range(window, steps + 1, window):
        yield {
            "steps": end,
            "float32": float(np.mean(losses[False][end - window : end])),
            "bf16": float(np.mean(losses[True][end - window : end])),
        }


def _moved(batch: dict) -> dict:
    return {name: value.to(DEVICE) if isinstance(value, Tensor) else value for name, value in batch.items()}


def compile_gain(toy: bool) -> Iterator[dict]:
    """A step of `tiny` and of `ours` with encoder and heads compiled by inductor, for crops of one size."""
    for name, crops in [("tiny", 64), ("ours (SwinIR)", 16)]:
        if toy and name != "tiny":
            continue
        training = DeviceSteps(*MODELS[name][0], *(TOY if toy else []), bf16=True)
        batch = training.random_batch(2 if toy else crops)
        plain = step_milliseconds(lambda index: training.step(batch, index), 1.0)  # noqa: B023
        start = time.perf_counter()
        compile_parts(training.model, "aot_eager" if toy else "inductor")
        training.step(batch, 0)
        _wait()
        first = time.perf_counter() - start
        compiled = step_milliseconds(lambda index: training.step(batch, index), 1.0)  # noqa: B023
        yield {"model": name, "batch": crops, "step_ms": plain, "compiled_step_ms": compiled, "compilation_s": first}


def loader_rate(toy: bool) -> Iterator[dict]:
    """Crops per second that loader processes make, for the tiny model's recipe."""
    settings = Steps("experiment=tiny_released", "data=photos", *(TOY if toy else [])).settings["data"]
    for workers in (0,) if toy else (4, 8, 12):
        changed = {**_batches(workers, 5 if toy else 240), "drawings": 0}
        data: PhotoData = instantiate({**settings, **changed}, "data")
        yield {"workers": workers, "crops_per_s": _crops_per_s(data, workers, lambda batch: batch)}


def _batches(workers: int, timed: int) -> dict:
    """Settings of the data for so many timed batches of LOADED crops. Where processes load, every one should make as many."""
    return {"workers": workers, "batch_size": LOADED, "batches_per_epoch": _untimed(workers) + timed}


def _untimed(workers: int) -> int:
    """Batches before the clock starts. (When the first has come, every process has nearly finished one.)"""
    return max(1, 2 * workers)


def _crops_per_s(data: PhotoData, workers: int, take: Callable[[Any], Any]) -> float:
    """Of an epoch of `_batches`, each of which is given to `take`."""
    data.setup("fit")
    batches = iter(data.train_dataloader())
    for _ in range(_untimed(workers)):
        take(next(batches))
    _wait()
    start, count = time.perf_counter(), 0
    for batch in batches:
        take(batch)
        count += 1
    _wait()
    return LOADED * count / (time.perf_counter() - start)


def archive_rate(toy: bool) -> Iterator[dict]:
    """Crops per second from an archive of JPEGs of SA-1B's size, decoded by the loader and on the device."""
    with tempfile.TemporaryDirectory() as folder:
        files = make_photographs(Path(folder) / "photographs")[: 2 if toy else None]
        with tarfile.open(path := Path(folder) / "photographs.tar", "w") as archive:
            for file in files:
                archive.add(file, file.name)
        for decode_on, workers in itertools.product(("host", "device"), (0,) if toy else (4, 12)):
            changed = ["data=shards", f"data.train={path}", "data.cache=null", f"data.decode_on={decode_on}"]
            sizes = [f"data.{name}={value}" for name, value in _batches(workers, 2 if toy else 48).items()]
            settings = Steps("experiment=tiny_released", *changed, *sizes, "data.drawings=0").settings["data"]
            data: PhotoData = instantiate(settings, "data")
            rate = _crops_per_s(data, workers, partial(_on_device, data))
            yield {"decode_on": decode_on, "workers": workers, "crops_per_s": rate}


def _on_device(data: PhotoData, batch: Any) -> dict:
    return data.crops.on_device(batch, DEVICE) if isinstance(data.crops, DeviceCrops) else _moved(batch)
