"""job=join: a model that consists of others, such as model=two_stage, made of their checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

from splatsr.checkpoints.files import load_weights, read_model, save_model
from splatsr.checkpoints.untrusted import build_from_file, count_elements
from splatsr.disk.folder_lock import check_free
from splatsr.errors import InputError


def join(*, model: Mapping[str, Any], beside: Mapping[str, str], output: str | None) -> None:
    """Arguments are the root keys of conf/run.yaml: `beside` names the checkpoint of every part of `model` that is a model.
    Writes `output` (.safetensors); overwrites nothing.

    Raises:
        InputError: an argument is missing or names no part, the result exists already, or a checkpoint cannot be loaded.
    """
    parts = [name for name, value in model.items() if _is_model(value)]
    if not parts:
        raise InputError("job=join is for models that consist of others: model=two_stage.")
    if output is None or sorted(beside) != sorted(parts):
        wanted = " ".join(f"+beside.{name}=<checkpoint>" for name in parts)
        raise InputError(f"job=join needs {wanted} output=<file>.safetensors, and no other parts.")
    target = Path(output)
    if target.suffix != ".safetensors":
        raise InputError(f"{target}: cannot write {target.suffix or 'a file without suffix'}; output ends in .safetensors.")
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")
    check_free(target.parent)
    config, tensors = dict(model), dict[str, Tensor]()
    for name, file in beside.items():
        config[name], found = read_model(file)
        tensors |= {f"{name}.{key}": tensor for key, tensor in found.items()}
    source = " and ".join(beside.values())
    joined = build_from_file(config, elements=count_elements(tensors), source=source)
    load_weights(joined, tensors, source=source)
    save_model(joined, config, target)
    parameters = sum(parameter.numel() for parameter in joined.parameters())
    Console().print(f"{source} -> {target} ({parameters:,} parameters)", soft_wrap=True)


def _is_model(value: Any) -> bool:
    return isinstance(value, Mapping) and str(value.get("_target_")).startswith("splatsr.models.")
