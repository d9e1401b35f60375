"""Which model a job uses, a file's or the configured one where it needs no weights; and which device."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import load_model
from splatsr.devices import DEVICES
from splatsr.errors import InputError
from splatsr.heads.dictionary import carry_rows
from splatsr.image.model import Model


def choose_model(checkpoint: str | None, model: Mapping[str, Any], device: str) -> Model:
    """The model, in eval mode on its device. With a checkpoint the file's own configuration counts, not `model`.

    Raises:
        InputError: the model has weights and there is no checkpoint, or the device is not there.
    """
    chosen_device = choose_device(device)
    if checkpoint is not None:
        return load_model(checkpoint).to(chosen_device)
    chosen = build(carry_rows(model)).eval()
    if chosen.has_weights:
        raise InputError(
            f"{type(chosen).__name__} has random weights: set checkpoint=<name, model.safetensors or .ckpt> (or model=bicubic)."
        )
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


def device_of(model: nn.Module) -> torch.device:
    """The device that the model's parameters are on; the CPU for a model without parameters (bicubic)."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
