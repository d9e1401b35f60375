"""Published checkpoints as a configuration and tensors of this suite.

The files of ContinuousSR and of the LIIF family are pickles of {"model": {"name", "args", "sd": state dict}}, perhaps with an
optimizer beside `model`; DIINN's are Lightning's, CiaoSR's MMEditing's, GSASR's two files in a folder. Their arguments choose a
method and an encoder that are known here and build nothing: what differs from the published networks is refused. What is known
of a method stands in its own file, as `PUBLISHED`.
"""

import copy
import importlib
import logging
import pkgutil
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from splatsr import models
from splatsr.checkpoints import mmediting
from splatsr.checkpoints.holders import without_parallel
from splatsr.checkpoints.plain_values import MOST, values_in
from splatsr.checkpoints.published_encoders import ENCODERS, PublishedEncoder
from splatsr.checkpoints.state_dict import check_state
from splatsr.errors import InputError
from splatsr.published_form import PublishedForm

log = logging.getLogger(__name__)

_BUFFER = re.compile(
    r"(?:.+\.)?(attn_mask|relative_position_index(?:_SA|_OCA)?|escape_NaN)|(sub_mean|add_mean)\.(?:weight|bias)|(sub|div)"
    r"|(upconv[12]|HRconv)\.(?:weight|bias)"
)
_TO_RGB = re.compile(r"(conv_last|tail\.1|UPNet\.[24])\.(?:weight|bias)")
_DEPTH = 9


def is_published(content: Any) -> bool:
    """Whether an unpickled file has the shape that the LIIF family and ContinuousSR save, or DIINN, or CiaoSR."""
    return _has(content, "model", {"name", "args", "sd"}) or _is_of_diinn(content) or mmediting.is_of_ciaosr(content)


def translate(content: Mapping[str, Any], *, source: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(configuration, tensors under our names) of a published file's content; logs what it is and what is not used.

    Raises:
        InputError: another method, another encoder, other arguments, or entries that are no tensors.
    """
    if _is_of_diinn(content):
        name, arguments, state = _of_diinn(content)
    elif mmediting.is_of_ciaosr(content):
        name, arguments, state = mmediting.of_ciaosr(content)
    else:
        name, arguments, state = (content["model"][key] for key in ("name", "args", "sd"))
    if not isinstance(arguments, Mapping) or not _is_plain([name, arguments]):
        raise InputError(f"{source} is refused: the model's arguments are more than plain values.")
    form = _choose_form(name, arguments, source)
    chosen, encoder = _choose_encoder(form, arguments, source)
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise InputError(f"{source} is damaged: its state dict ('sd') maps no names to tensors.")
    check_state(state, source)
    state = without_parallel(state)
    prefix = form.encoders[chosen]
    tensors: dict[str, Tensor] = {}
    unused: Counter[str] = Counter()
    for key, tensor in state.items():
        kind = None if key.startswith(tuple(form.kept)) else unused_kind(key.removeprefix(prefix), tensor)
        if kind is not None:
            unused[kind] += 1
        elif key.startswith(tuple(form.unused)):
            unused[key.split(".")[0]] += 1
        else:
            tensors[_our_name(key, {prefix: "encoder.", **form.names})] = tensor
    log.info(
        "%s: published %s, encoder %s, %s parameters; not used: %s",
        Path(source).name, form.title, chosen, f"{_parameters(tensors):,}", listed(unused),
    )  # fmt: skip
    return copy.deepcopy({**form.config, "encoder": {**encoder.config, "upscale": form.upscale}}), tensors


def forms() -> list[PublishedForm]:
    """What the methods' files say about published checkpoints: every `PUBLISHED` in splatsr.models, a form or several."""
    found = (importlib.import_module(f"{models.__name__}.{module.name}") for module in pkgutil.iter_modules(models.__path__))
    all_said = (getattr(module, "PUBLISHED", []) for module in found)
    return [form for said in all_said for form in ([said] if isinstance(said, PublishedForm) else said)]


def unused_kind(name: str, tensor: Tensor) -> str | None:
    """For entries of public encoder files that no network here needs: what they are, in short. None for all others.

    Attention masks and position indices follow from sizes; mean shifts are not applied by the methods of this suite, and
    neither are the last convolution, the one to three channels, and those of RRDB's upsampling. `sub` and `div` are DIINN's
    normalisation, 0.5; `escape_NaN` is the least norm in CiaoSR's attention, 1e-4.
    """
    if buffer := _BUFFER.fullmatch(name):
        return buffer[buffer.lastindex or 0]
    last = _TO_RGB.fullmatch(name)
    return last[1] if last and tensor.shape[:1] == (3,) else None


def listed(kinds: Counter[str]) -> str:
    """conv_last (2), attn_mask (18)"""
    return ", ".join(f"{kind} ({count})" for kind, count in kinds.items()) or "nothing"


def _parameters(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values() if tensor.is_floating_point())  # indices are none


def _has(content: Any, key: str, entries: set[str]) -> bool:
    return isinstance(content, Mapping) and isinstance(content.get(key), Mapping) and entries <= content[key].keys()


def _is_of_diinn(content: Any) -> bool:
    return _has(content, "hyper_parameters", {"arch", "mode", "init_q"}) and "state_dict" in content


def _of_diinn(content: Mapping[str, Any]) -> tuple[Any, dict[str, Any], Any]:
    """(name, arguments, state dict) of a file that DIINN's Lightning module wrote; its encoder is RDN without being named."""
    arguments = {**content["hyper_parameters"], "encoder_spec": {"name": "rdn"}}
    return arguments.pop("arch"), arguments, content["state_dict"]


def _choose_form(name: Any, arguments: Mapping[str, Any], source: str) -> PublishedForm:
    known = [form for form in forms() if form.name == name]
    if not known:
        titles = ", ".join(dict.fromkeys(f"{form.title} ({form.name!r})" for form in forms()))
        raise InputError(f"{source} holds the method {_short(name)}; of published files these are known: {titles}.")
    given = arguments.keys() - {"encoder_spec"}

    def unlike(form: PublishedForm) -> tuple[int, int]:
        different = [key for key in given & form.arguments.keys() if _as_lists(arguments[key]) != form.arguments[key]]
        return len(form.arguments.keys() ^ given), len(different)

    form = min(known, key=unlike)
    for key in sorted(given - set(form.ignored)):
        _check(key, arguments[key], form.arguments, form.title, source)
    return form


def _choose_encoder(form: PublishedForm, arguments: Mapping[str, Any], source: str) -> tuple[str, PublishedEncoder]:
    spec = arguments.get("encoder_spec")
    if not isinstance(spec, Mapping) or spec.get("name") not in tuple(form.encoders) or spec.keys() - {"name", "args"}:
        raise InputError(f"{source}: encoder_spec is {_short(spec)}; expected a name of {', '.join(form.encoders)}, and args.")
    encoder = ENCODERS[spec["name"]]
    given = spec.get("args") or {}
    if not isinstance(given, Mapping):
        raise InputError(f"{source}: the encoder's args are {_short(given)}; expected names and values.")
    for key, value in given.items():
        _check(key, value, {**encoder.arguments, **encoder.tail[form.upscale]}, spec["name"], source)
    return spec["name"], encoder


def _check(key: str, value: Any, published: Mapping[str, Any], owner: str, source: str) -> None:
    """InputError unless the argument says what it says in the published model; what is left out shows in the tensors."""
    if key not in published:
        raise InputError(f"{source}: {owner} has no argument {_short(key)} as published.")
    if _as_lists(value) != published[key]:
        raise InputError(f"{source}: {owner} has {key} {_short(value)}; published is {published[key]!r}.")


def _as_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_lists(item) for key, item in value.items()}
    return [_as_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _is_plain(arguments: Any) -> bool:
    """Whether arguments are plain values, no more and not deeper than those of a model."""
    for count, (_, value, level) in enumerate(values_in(arguments, "args")):
        if level > _DEPTH or count == MOST:
            return False
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                return False
        elif isinstance(value, int):
            if abs(value) >= 2**63:  # Python writes no number of 5000 digits
                return False
        elif not (value is None or isinstance(value, float | str | list | tuple)):
            return False
    return True


def _our_name(name: str, prefixes: Mapping[str, str]) -> str:
    for theirs, ours in prefixes.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name  # which no model has, so that loading names it


def _short(value: Any) -> str:
    return reprlib.repr(value)
