"""Which model a job uses, a file's or the configured one where it needs no weights; and which device."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import load_model
from splatsr.devices import DEVICES, PRECISIONS
from splatsr.errors import InputError
from splatsr.heads.dictionary import carry_rows
from splatsr.image.model import Model
from splatsr.image.precision import has_bfloat16

log = logging.getLogger(__name__)


def choose_model(checkpoint: str | None, model: Mapping[str, Any], device: str, precision: str = "float32") -> Model:
    """The model, in eval mode on its device, computing in that precision (`choose_precision`).

    With a checkpoint the file's own configuration counts, not `model`.

    Raises:
        InputError: the model has weights and there is no checkpoint, or the device is not there.
    """
    chosen_device = choose_device(device)
    chosen_precision = choose_precision(precision, chosen_device)
    chosen = build(carry_rows(model)).eval() if checkpoint is None else load_model(checkpoint)
    if checkpoint is None and chosen.has_weights:
        raise InputError(
            f"{type(chosen).__name__} has random weights: set checkpoint=<name, model.safetensors or .ckpt> (or model=bicubic)."
        )
    chosen.precision = chosen_precision
    return chosen.to(chosen_device)


def choose_device(device: str) -> torch.device:
    """One of `devices.Device`; InputError where it is none of them or not there.

    auto is a CUDA device where there is one, else the CPU. Apple's (mps) has to be asked for: fields are copied to the CPU
    and rendered there all the same.
    """
    if device not in DEVICES:
        raise InputError(f"device must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]}; got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device=cuda, but torch sees no GPU here; use device=auto or device=cpu.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise InputError("device=mps, but torch sees no Apple GPU here; use device=auto or device=cpu.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """One of `devices.Precision`; auto is float32 here (of enlargements: `large_images.half_precision`).

    Raises:
        InputError: it is none of them, or fp16 on a CPU, which overflows there without being faster.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision must be {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}; got {precision!r}.")
    if precision == "fp16" and device.type == "cpu":
        raise InputError("precision=fp16 is for GPUs; on a CPU use precision=bf16 or precision=float32.")
    if precision == "bf16" and not has_bfloat16(device):
        log.warning("precision=bf16: this device emulates bfloat16, which takes longer than float32")
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)


def device_of(model: nn.Module) -> torch.device:
    """The device that the model's parameters are on; the CPU for a model without parameters (bicubic)."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
