"""The published ContinuousSR checkpoint as a configuration and tensors of this suite.

The file (`ContinuousSR.pth`) is a pickle of {"model": {"name": "continuous-gaussian", "args": {"encoder_spec": {"name",
"args"}, "cnn_spec", "fc_spec"}, "sd": state dict}}, perhaps with an optimizer beside `model`. Its arguments choose one of
the configurations below and build nothing: what differs from the published networks is refused. `cnn_spec` and `fc_spec`
have no effect in the published code either.

The hyperparameters' home is conf/model/; they stand here again because a file from elsewhere must open without Hydra. A test
composes conf/ and compares. Those of HAT are the ones published for HAT x4: the public ContinuousSR file was not at hand when
this was written, so its first load must confirm them.
"""

import copy
import logging
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from splatsr.errors import InputError

log = logging.getLogger(__name__)

NAME = "continuous-gaussian"


class Encoder(NamedTuple):
    """An encoder of the published code: what its arguments must say, where its tensors are, and what it is here."""

    arguments: Mapping[str, Any]
    prefix: str
    config: Mapping[str, Any]


ENCODERS = {
    "swinir": Encoder(
        arguments={},  # the published code fixes them all
        prefix="encoder.",
        config={
            "_target_": "splatsr.encoders.swinir.SwinIR",
            "channels": 180,
            "depths": [6] * 6,
            "heads": [6] * 6,
            "window": 8,
            "mlp_ratio": 2.0,
            "drop_path": 0.1,
            "upscale": 4,
            "out_channels": 64,
            "checkpointing": False,
        },
    ),
    "hat": Encoder(
        arguments={
            "upscale": 4,
            "in_chans": 3,
            "img_size": 64,
            "window_size": 16,
            "compress_ratio": 3,
            "squeeze_factor": 30,
            "conv_scale": 0.01,
            "overlap_ratio": 0.5,
            "img_range": 1.0,
            "depths": [6] * 6,
            "embed_dim": 180,
            "num_heads": [6] * 6,
            "mlp_ratio": 2,
            "upsampler": "pixelshuffle",
            "resi_connection": "1conv",
        },
        prefix="encoder.",
        config={
            "_target_": "splatsr.encoders.hat.HAT",
            "channels": 180,
            "depths": [6] * 6,
            "heads": [6] * 6,
            "window": 16,
            "compress": 3,
            "squeeze": 30,
            "conv_scale": 0.01,
            "overlap": 0.5,
            "mlp_ratio": 2.0,
            "drop_path": 0.1,
            "upscale": 4,
            "out_channels": 64,
            "checkpointing": False,
        },
    ),
    "edsr-baseline": Encoder(
        arguments={"n_resblocks": 16, "n_feats": 64, "res_scale": 1, "scale": 4, "no_upsampling": False, "rgb_range": 1},
        prefix="encoder.edsr.",
        config={
            "_target_": "splatsr.encoders.edsr.EDSR",
            "channels": 64,
            "blocks": 16,
            "upscale": 4,
            "out_channels": 64,
            "input_mean": 0.0,
        },
    ),
    "rdn": Encoder(
        arguments={"G0": 64, "RDNkSize": 3, "RDNconfig": "B", "scale": 4, "no_upsampling": False},
        prefix="encoder.",
        config={
            "_target_": "splatsr.encoders.rdn.RDN",
            "channels": 64,
            "growth": 64,
            "blocks": 16,
            "layers": 8,
            "upscale": 4,
            "out_channels": 64,
        },
    ),
}

_MODEL = {
    "_target_": "splatsr.models.continuoussr.ContinuousSR",
    "dictionary": {"_target_": "splatsr.models.dictionary.published_dictionary"},
    "initialisation": {"_target_": "splatsr.models.initialisation.published", "_partial_": True},
    "embedding": 512,
    "embedding_hidden": [256, 512, 512, 512],
    "kernels_per_pixel": 4,
    "offset_hidden": [512, 1024, 256, 128, 64],
    "offset_range": 1.0,
    "color_hidden": [512, 1024, 256, 128, 64],
    "color_skip": False,
    "reference_scale": 4.0,
}

_HEADS = {
    "conv1.": "ddcw.query.",
    "mlp_vector.layers.": "ddcw.embedding.",
    "mlp_offset.layers.": "apd.mlp.",
    "mlp.layers.": "cgm.mlp.",
}

_BUFFER = re.compile(r"(?:.+\.)?(attn_mask|relative_position_index(?:_SA|_OCA)?)|(sub_mean|add_mean)\.(?:weight|bias)")
_TO_RGB = re.compile(r"(conv_last|tail\.1|UPNet\.[24])\.(?:weight|bias)")
_DEPTH = 8


def is_published(content: Any) -> bool:
    """Whether an unpickled file has the shape that the LIIF family and ContinuousSR save."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get("model"), Mapping)
        and {"name", "args", "sd"} <= content["model"].keys()
    )


def translate(content: Mapping[str, Any], *, source: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(configuration, tensors under our names) of a published file's content; logs what it is and what is not used.

    Raises:
        InputError: another method, another encoder, other arguments, or entries that are no tensors.
    """
    name, arguments, state = (content["model"][key] for key in ("name", "args", "sd"))
    if name != NAME:
        raise InputError(f"{source} holds the method {_short(name)}; of published files only {NAME!r} (ContinuousSR) is known.")
    chosen, encoder = _choose_encoder(arguments, source)
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise InputError(f"{source} is damaged: its state dict ('sd') maps no names to tensors.")
    tensors: dict[str, Tensor] = {}
    unused: Counter[str] = Counter()
    for key, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{source} is damaged: {key} in its state dict is no tensor.")
        if kind := unused_kind(key.removeprefix(encoder.prefix), tensor):
            unused[kind] += 1
        else:
            tensors[_our_name(key, encoder.prefix)] = tensor
    log.info(
        "%s: published ContinuousSR, encoder %s, %s parameters; not used: %s",
        Path(source).name, chosen, f"{sum(tensor.numel() for tensor in tensors.values()):,}", listed(unused),
    )  # fmt: skip
    return copy.deepcopy({**_MODEL, "encoder": encoder.config}), tensors


def unused_kind(name: str, tensor: Tensor) -> str | None:
    """For entries of public encoder files that no network here needs: what they are, in short. None for all others.

    Attention masks and position indices follow from sizes; mean shifts are not applied by the methods of this suite, and
    neither is the last convolution, the one to three channels.
    """
    if buffer := _BUFFER.fullmatch(name):
        return buffer[1] or buffer[2]
    last = _TO_RGB.fullmatch(name)
    return last[1] if last and tensor.shape[:1] == (3,) else None


def listed(kinds: Counter[str]) -> str:
    """conv_last (2), attn_mask (18)"""
    return ", ".join(f"{kind} ({count})" for kind, count in kinds.items()) or "nothing"


def _choose_encoder(arguments: Any, source: str) -> tuple[str, Encoder]:
    if not isinstance(arguments, Mapping) or not _is_plain(arguments, _DEPTH):
        raise InputError(f"{source} is refused: the model's arguments are more than plain values.")
    if stray := sorted(arguments.keys() - {"encoder_spec", "cnn_spec", "fc_spec"}):
        raise InputError(f"{source}: ContinuousSR has no argument {_short(stray[0])} as published.")
    spec = arguments.get("encoder_spec")
    if not isinstance(spec, Mapping) or spec.get("name") not in tuple(ENCODERS) or spec.keys() - {"name", "args"}:
        raise InputError(f"{source}: encoder_spec is {_short(spec)}; expected a name of {', '.join(ENCODERS)}, and args.")
    encoder = ENCODERS[spec["name"]]
    given = spec.get("args") or {}
    if not isinstance(given, Mapping):
        raise InputError(f"{source}: the encoder's args are {_short(given)}; expected names and values.")
    for key, value in given.items():  # what is left out shows in the tensors
        if key not in encoder.arguments:
            raise InputError(f"{source}: {spec['name']} has no argument {_short(key)} as published.")
        if (list(value) if isinstance(value, tuple) else value) != encoder.arguments[key]:
            raise InputError(f"{source}: {spec['name']} has {key} {_short(value)}; published is {encoder.arguments[key]!r}.")
    return spec["name"], encoder


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, Mapping):
        return depth > 0 and all(isinstance(key, str) and _is_plain(item, depth - 1) for key, item in value.items())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_plain(item, depth - 1) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _our_name(name: str, encoder_prefix: str) -> str:
    for theirs, ours in {encoder_prefix: "encoder.", **_HEADS}.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name  # which no model has, so that loading names it


def _short(value: Any) -> str:
    return reprlib.repr(value)
