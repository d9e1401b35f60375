"""Checkpoints of GSASR: a folder with encoder.pth and decoder.pth, each {"params": state dict, "params_ema": state dict}.

They hold no arguments. The encoder is known by names of its tensors, the decoder by names, numbers and shapes of its own.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from splatsr.checkpoints import published
from splatsr.checkpoints.holders import HOLDERS, within_holders, without_parallel
from splatsr.checkpoints.mmediting import EDSR_NAMES, renamed
from splatsr.checkpoints.state_dict import check_state
from splatsr.errors import InputError

_METHOD = "splatsr.models.gsasr.GSASR"

FILES = ("encoder.pth", "decoder.pth")

_ENCODERS = {
    "hat-rotary": "layers.0.residual_group.overlap_attn.rope_freqs",
    "swinir": "layers.0.residual_group.blocks.0.attn.relative_position_bias_table",
    "rdn": "SFENet1.weight",
    "edsr-without-skip": "conv_after_body.weight",
}
"""By the names of `published_encoders`: a tensor by which it is known, those of which others have a part last."""

_BLOCKS = {"injection": "window_crossattn_blocks", "interaction": "gs_selfattn_blocks"}


def is_folder(path: Path) -> bool:
    """Whether it is a folder with both files."""
    return all((path / name).is_file() for name in FILES)


def hint(path: Path) -> str:
    """What to do with one of the files alone, or with a folder of one; nothing where it is neither."""
    alone = path.name in FILES or [name for name in FILES if (path / name).is_file()]
    return f" Of GSASR name the folder that holds {' and '.join(FILES)}." if alone else ""


def joined(parts: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """What the two files hold, by their names, as the LIIF family's files have it.

    Raises:
        InputError: a file holds no state dict, or networks that were not published together.
    """
    encoder, decoder = (_state(parts[name], f"{source}/{name}") for name in FILES)
    found = next((name for name, known_by in _ENCODERS.items() if known_by in encoder), None)
    rules = EDSR_NAMES if found == "edsr-without-skip" else ()
    given = _described(decoder, source)
    fitting = [
        form.name
        for form in published.forms()
        if form.config["_target_"] == _METHOD
        and found in form.encoders
        and all(form.config["decoder"][key] == value for key, value in given.items())
    ]
    if not fitting:
        raise InputError(f"{source}: no published GSASR has the encoder {found} and a decoder of {given}.")
    state = {f"encoder.{renamed(name, rules)}": tensor for name, tensor in encoder.items()}
    state |= {f"decoder.{name}": tensor for name, tensor in decoder.items()}
    return {"model": {"name": fitting[0], "args": {"encoder_spec": {"name": found}}, "sd": state}}


def _state(content: Any, source: str) -> Mapping[str, Tensor]:
    held = within_holders(content)
    if not isinstance(held, Mapping) or not all(isinstance(name, str) for name in held):
        raise InputError(f"{source} holds no state dict, by itself or under {', '.join(HOLDERS)}.")
    check_state(held, source)
    return without_parallel(held)


def _described(decoder: Mapping[str, Tensor], source: str) -> dict[str, Any]:
    """Those arguments of `GaussianSeeds` that show in its tensors."""
    seeds = decoder.get("gs_embedding")
    if seeds is None or seeds.ndim != 2:
        raise InputError(f"{source}/{FILES[1]} holds no decoder of GSASR (gs_embedding is not in it, or no matrix).")
    depths = {}
    for argument, blocks in _BLOCKS.items():
        layers = {match[0] for name in decoder if (match := re.match(rf"{blocks}\.\d+\.blocks\.\d+\.", name))}
        of_block = [layer.split(".")[1] for layer in layers]
        depths[argument] = [of_block.count(block) for block in sorted(set(of_block), key=int)]
    is_rotary = any(name.endswith("rope_freqs") for name in decoder)
    return {
        "channels": seeds.shape[1],
        "window": math.isqrt(seeds.shape[0]),
        "positions": "rotary" if is_rotary else "biases",
        **depths,
    }
