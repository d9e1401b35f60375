"""Models as files: tensors and plain values only, rebuilt from classes of this package and nothing else.

A saved model is its configuration (nested plain dicts; `_target_` is the import path of a class or function of splatsr, as
in conf/model/) and its state dict: a safetensors file, or a training checkpoint that Lightning wrote. The checkpoints
that other authors published are read too, see `published`.
"""

import json
import os
import pickle
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from splatsr.checkpoints import bare_state, gsasr_folder, published
from splatsr.checkpoints.state_dict import FLOATING, WHOLE, check_state
from splatsr.checkpoints.untrusted import build_from_file, count_elements
from splatsr.disk.digest import digest
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.image_files.one_line import one_line
from splatsr.released.weights_file import weights_file

KEY = "splatsr"
"""Where a checkpoint (or a safetensors file's metadata) keeps the model's configuration."""

DIGEST = "sha256"
"""Where that entry keeps the digest of the configuration and the tensors, by which damage to a safetensors file is known."""

_SHOWN = 6

_RECORDS = ("argparse.", "numpy.", "collections.", "omegaconf.", "yacs.", "easydict.", "pathlib.", "datetime.")
"""What trainings keep beside weights, their settings and figures. It does no harm, but is not read."""


def save_model(model: nn.Module, config: Mapping[str, Any], path: str | Path) -> None:
    """Writes `model`, built from `config`, as one safetensors file for `load_model`. Never leaves a half-written file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with whole_file(path) as partial:
        header = {"model": config, DIGEST: digest(config, tensors)}  # one entry: the order of several would be left to chance
        partial.write_bytes(save(tensors, metadata={KEY: json.dumps(header)}))


def load_model(path: str | Path) -> Model:
    """The model in a file that the suite saved (model.safetensors or a training checkpoint) or in a published
    checkpoint (GSASR's is a folder), in eval mode on the CPU. Instead of a file's path, a name that `splatsr models` lists, or
    hf:owner/name on the Hugging Face Hub, which is downloaded.

    A checkpoint trained with weight averaging gives the averaged weights. Files are read weights-only: no code in them runs.

    Raises:
        InputError: the file is missing, damaged, refused, not of this suite, or does not fit its own configuration.
    """
    config, tensors = read_model(path)
    model = build_from_file(config, elements=count_elements(tensors), source=str(path))
    if not isinstance(model, Model):
        raise InputError(f"{path} holds no model of this suite, only {type(model).__name__}.")
    load_weights(model, tensors, source=str(path))
    return model.eval()


def read_model(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(model configuration, state dict) of a saved model; see `load_model` for what is raised."""
    path = weights_file(path)
    if gsasr_folder.is_folder(path):
        parts = {name: read_pickle(path / name) for name in gsasr_folder.FILES}
        return published.translate(gsasr_folder.joined(parts, source=str(path)), source=str(path))
    if not os.path.isfile(path):  # False too where the system takes no such name
        what = "it is a folder without a model.safetensors" if os.path.isdir(path) else "no such file"
        raise InputError(f"{path}: {what}; expected a model.safetensors or a .ckpt of this suite.{gsasr_folder.hint(path)}")
    if path.suffix == ".safetensors":
        header, tensors = read_safetensors(path)
    else:
        content = read_pickle(path)
        if published.is_published(content):
            return published.translate(content, source=str(path))
        if form := bare_state.form_of(content):
            return bare_state.translate(content, form, source=str(path))
        header, tensors = _split(content, path)
        check_checksums(path)
    if not isinstance(header, Mapping) or not isinstance(header.get("model"), Mapping):
        raise InputError(f"{path} holds no model of this suite (there is no {KEY!r} entry that describes one).")
    return dict(header["model"]), tensors


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Loads the tensors, cast to the model's types, into the model, all of them or none.

    Raises:
        InputError: names or shapes differ, the message lists them; a tensor is of another kind than the model's (see
            `check_state`); or a value is not finite as the model has it.
    """
    check_state(tensors, source)
    expected = model.state_dict()
    lines = [f"{name} is missing" for name in expected if name not in tensors]
    lines += [f"{one_line(name)} is not part of the model" for name in tensors if name not in expected]
    lines += [
        f"{name} is {tuple(tensors[name].shape)} in the file and {tuple(expected[name].shape)} in the model"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    if lines:
        more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        differ = f"{len(lines)} tensors differ" if len(lines) > 1 else "1 tensor differs"
        if len(tensors.keys() & expected.keys()) < len(expected) / 2:
            differ += ", most of them by name: it is another method or has another encoder"
        raise InputError(f"{source} does not fit {type(model).__name__}: {differ}: {'; '.join(lines[:_SHOWN])}{more}.")
    cast = {name: _cast(tensor, expected[name].dtype, f"{source}: {name}") for name, tensor in tensors.items()}
    try:
        model.load_state_dict(cast)
    except RuntimeError as error:  # a part of the model refuses a value, such as an index beyond its table
        raise InputError(
            f"{source} does not fit {type(model).__name__}: {one_line(str(error).splitlines()[-1].strip())}"
        ) from error


def _cast(tensor: Tensor, dtype: torch.dtype, what: str) -> Tensor:
    """The tensor in the type that the model has it in; InputError if its numbers are of another kind, or do not fit."""
    if tensor.dtype not in (FLOATING if dtype.is_floating_point else WHOLE):
        given, expected = (str(one).removeprefix("torch.") for one in (tensor.dtype, dtype))
        raise InputError(f"{what} is of the type {given}; the model has {expected} there.")
    cast = tensor.to(dtype)
    if not cast.isfinite().all():
        beyond = f", or numbers beyond {str(dtype).removeprefix('torch.')}" if dtype != tensor.dtype else ""
        raise InputError(f"{what} has values that are not finite: a training that diverged, or a damaged file{beyond}.")
    return cast


def read_safetensors(path: Path) -> tuple[Any, dict[str, Tensor]]:
    """(the suite's entry in its metadata or None, tensors) of a safetensors file; InputError where it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        header = json.loads(metadata.get(KEY, "null"))
        check_state(tensors, str(path))
        whole = not isinstance(header, dict) or DIGEST not in header or header[DIGEST] == digest(header.get("model"), tensors)
    except InputError:
        raise
    except (SafetensorError, ValueError, RuntimeError, OSError, MemoryError) as error:  # of Python too, whatever stands in it
        raise InputError(f"{path} is damaged or not a safetensors file ({one_line(error)}).") from error
    if not whole:
        raise InputError(f"{path} is damaged: it does not hold what was written. Take it from where it came again.")
    return header, tensors


def read_pickle(path: Path) -> Any:
    """What a pickle holds: tensors and plain values. InputError where it is damaged or holds more than that."""
    _check_inflation(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols, on files that are refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        with path.open("rb") as file:
            is_pickle = zipfile.is_zipfile(path) or file.read(1) == b"\x80"
        if is_pickle or "GLOBAL" in str(error):
            raise InputError(_more_than_tensors(path, error)) from error
        raise InputError(f"{path} is damaged or not a checkpoint.") from error
    except Exception as error:  # of torch, numpy or Python, whatever stands in the file
        reason = (str(error).splitlines() or [""])[0]
        said = f" ({one_line(reason)})" if " " in reason else ""  # a number or a name alone says nothing
        raise InputError(f"{path} is damaged or not a checkpoint{said}.") from error


def check_checksums(path: Path) -> None:
    """InputError where an entry of a checkpoint is not what was written; torch does not look at their checksums."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise InputError(f"{path} is damaged: {error}.") from error
    if broken is not None:
        raise InputError(f"{path} is damaged: {broken} in it is not what was written.")


def _more_than_tensors(path: Path, error: Exception) -> str:
    """What is in the way in a pickle that holds more than tensors and plain values, and what to do."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    remedy = (
        "If you trust where it comes from, save its weights alone: in Python, content = torch.load(file, weights_only=False), "
        "then torch.save(content['state_dict'], ...), or whatever key holds them."
    )
    if named and named[1].startswith(_RECORDS):
        return f"{path} cannot be read as it is: beside its weights it holds {named[1]}, no tensor and no plain value. {remedy}"
    held = f" ({named[1]})" if named else ""
    return f"{path} is refused: it holds more than tensors and plain values{held}, and loading it could run code. {remedy}"


def _check_inflation(path: Path) -> None:
    """InputError where a file's entries inflate to far more than the file: torch stores them as they are."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise InputError(f"{path} is damaged or not a checkpoint ({error}).") from error
    if inflated > 2 * path.stat().st_size + 2**20:
        raise InputError(
            f"{path} is refused: {path.stat().st_size:,} bytes would inflate to {inflated:,}; torch writes no such checkpoint."
        )


def _split(content: Any, path: Path) -> tuple[Any, dict[str, Tensor]]:
    """(header, the model's tensors) of a Lightning checkpoint."""
    if not isinstance(content, Mapping) or not isinstance(content.get("state_dict"), Mapping):
        raise InputError(
            f"{path} is not a checkpoint of this suite (no state_dict in it); public weights of an encoder alone go to "
            f"encoder_checkpoint, in training.{gsasr_folder.hint(path)}"
        )
    prefix = "model."
    state = content["state_dict"]
    if not all(isinstance(name, str) for name in state):
        raise InputError(f"{path} is damaged: a name in its state_dict is no text.")
    tensors = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    check_state(tensors, str(path))
    return content.get(KEY), tensors
