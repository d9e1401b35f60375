"""Public weights of SwinIR, HAT, EDSR and RDN for the encoder of a model that is about to be trained.

Files: safetensors, or a pickle with the state dict under `params_ema` or `params` (as SwinIR and HAT publish) or `state_dict`,
or with nothing but the state dict (EDSR); names may begin with the `module.` of DataParallel. They are read weights-only and
loaded as a whole or not at all.
"""

import logging
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from splatsr.checkpoints import published
from splatsr.checkpoints.files import KEY, load_weights, read_pickle, read_safetensors
from splatsr.checkpoints.holders import within_holders, without_parallel
from splatsr.checkpoints.state_dict import check_state
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.released.catalogue import public_files
from splatsr.released.hub import PREFIX
from splatsr.released.weights_file import weights_file

log = logging.getLogger(__name__)


def load_encoder(model: nn.Module, path: str | Path) -> None:
    """Loads the file into `model.encoder`; logs what was used and what was not (the last convolution, masks, mean shifts).

    Raises:
        InputError: the model has no encoder, the file is missing, damaged, refused or no state dict, or a tensor is missing,
            too many or of another shape; those are named.
    """
    encoder = getattr(model, "encoder", None)
    if encoder is None:
        raise InputError(f"encoder_checkpoint={path}: {type(model).__name__} has no encoder.")
    expected = encoder.state_dict()
    tensors: dict[str, Tensor] = {}
    unused: Counter[str] = Counter()
    state = _read(encoder_file(path))
    for name, tensor in state.items():
        kind = None if name in expected else published.unused_kind(name, tensor)
        if kind is None:
            tensors[name] = tensor
        else:
            unused[kind] += 1
    tensors, rescaled = _at_unit_range(tensors, state)
    load_weights(encoder, tensors, source=str(path))
    log.info(
        "%s: all %d tensors of %s loaded%s; not used: %s",
        Path(path).name, len(tensors), type(encoder).__name__, rescaled, published.listed(unused),
    )  # fmt: skip


def encoder_file(wanted: str | Path) -> Path:
    """The file that `encoder_checkpoint` names: a path, hf:owner/name/file, or an encoder that `splatsr models` lists.

    Raises:
        InputError: the hub does not give it.
    """
    is_named = isinstance(wanted, str) and (wanted in public_files() or wanted.startswith(PREFIX))
    return weights_file(wanted) if is_named else Path(wanted)


def warn_of_collapse(model: Model) -> None:
    """Says so where a model that trains from its random weights is known to collapse (`may_collapse`)."""
    if model.may_collapse:
        log.warning(
            "THIS TRAINING WILL PROBABLY COLLAPSE: %s starts from random weights, with the published initialisation "
            "(known from issue 12 of the published repository). Set encoder_checkpoint=<its public x4 weights>, or "
            "model/initialisation=blurred_lr.",
            type(model.encoder).__name__,
        )


def _read(path: Path) -> dict[str, Tensor]:
    if not os.path.isfile(path):  # False too where the system takes no such name
        raise InputError(
            f"encoder_checkpoint={path}: no such file; expected the public weights of an encoder (.pth, .pt, .safetensors)."
        )
    if path.suffix == ".safetensors":
        header, content = read_safetensors(path)
        if header is not None:
            raise InputError(_whole(path))
    else:
        content = read_pickle(path)
    if published.is_published(content) or (isinstance(content, Mapping) and KEY in content):
        raise InputError(_whole(path))
    content = within_holders(content)
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"encoder_checkpoint={path} holds no state dict.")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(f"encoder_checkpoint={path} holds no state dict ({str(name)[:40]!r} is no tensor).")
    check_state(content, str(path))
    return without_parallel(content)


def _whole(path: Path) -> str:
    return f"encoder_checkpoint={path} is a whole model; start from it with checkpoint={path}."


def _at_unit_range(tensors: dict[str, Tensor], state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The same network for RGB in [0, 1], where the file's mean shift shows that it was trained on levels 0 to 255.

    Convolutions and ReLUs with biases b give f(255 x; b) = 255 f(x; b / 255), so the biases are divided by 255. The mean
    itself is not subtracted; an encoder with `input_mean` can.
    """
    shift = state.get("sub_mean.bias")
    if shift is None or not shift.is_floating_point() or shift.numel() == 0 or shift.nan_to_num(torch.inf).abs().max() <= 1:
        return tensors, ""
    if not shift.isfinite().all():
        raise InputError("encoder_checkpoint: the file's mean shift (sub_mean.bias) is not finite: it is damaged.")
    biases = {name for name, tensor in tensors.items() if name.endswith(".bias") and tensor.is_floating_point()}
    scaled = {name: tensor / 255 if name in biases else tensor for name, tensor in tensors.items()}
    return scaled, " (biases divided by 255: the file expects levels 0 to 255)"
