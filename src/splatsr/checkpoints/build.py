"""Objects from plain configuration: what a model's file, or conf/model, says is built from parts of this package alone."""

import functools
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from splatsr.arguments import check_arguments, check_given, in_plain_words
from splatsr.errors import InputError

ROOMS = ("splatsr.models.", "splatsr.encoders.", "splatsr.heads.", "splatsr.decoders.")
"""Where the modules are defined of which models consist: any class there that is an nn.Module may be built."""

BUILDERS = (
    "splatsr.heads.dictionary.published_dictionary",
    "splatsr.heads.dictionary.normal_dictionary",
    "splatsr.heads.dictionary.uniform_dictionary",
    "splatsr.heads.dictionary.listed_dictionary",
    "splatsr.heads.initialisation.published",
    "splatsr.heads.initialisation.blurred_lr",
    "splatsr.prior.fitting.Fitting",
)
"""Everything else that a model consists of. None of them reads, writes or runs anything: a file can do nothing but make a
model."""

PRIOR = (
    "splatsr.prior.fitting.Fitting",
    "splatsr.prior.settings.PriorSettings",
    "splatsr.prior.settings.Sensitivity",
    "splatsr.prior.dictionaries.grid",
    "splatsr.prior.dictionaries.normal",
    "splatsr.prior.dictionaries.sampled",
)
"""What the settings of a prior consist of, in the same sense; no model does."""


def build(config: Any, where: str = "model", builders: Sequence[str] = BUILDERS) -> Any:
    """Objects from a nested configuration: dicts with `_target_` are called with their other entries as keyword arguments.

    `_partial_: true` binds the arguments instead of calling. Only modules in `ROOMS` and `builders` are allowed. For a
    configuration that comes from a file see `checkpoints.untrusted`.

    Args:
        config: nested plain values.
        where: its dotted name, for messages.
        builders: what may be called besides: `BUILDERS`, or `PRIOR` for the settings of a prior.

    Raises:
        InputError: a target is none of these, does not exist, or an argument is not what its annotation says or is refused.
    """
    if isinstance(config, list | tuple):
        return [build(item, f"{where}[{index}]", builders) for index, item in enumerate(config)]
    if not isinstance(config, Mapping):
        return config
    plain = {key: value for key, value in config.items() if key not in ("_target_", "_partial_")}
    if "_target_" in config:
        target = _find(config["_target_"], builders)
        check_arguments(target, plain, where)
        if not config.get("_partial_"):
            check_given(target, plain, where)
    arguments = {key: build(value, f"{where}.{key}", builders) for key, value in plain.items()}
    if "_target_" not in config:
        return arguments
    if config.get("_partial_"):
        return functools.partial(target, **arguments)
    try:
        return target(**arguments)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError) as error:
        raise InputError(f"{where}: {in_plain_words(error)} ({config['_target_']})") from error


def _find(target: Any, builders: Sequence[str]) -> Any:
    if not isinstance(target, str) or not (target in builders or target.startswith(ROOMS)):
        raise InputError(f"{target!r} is no part of a model (they are in {', '.join(ROOMS)}); refusing to build it.")
    module_name, _, name = target.rpartition(".")
    try:
        found = vars(importlib.import_module(module_name))[name]
    except (ImportError, KeyError) as error:
        raise InputError(f"{target} does not exist in this version of splatsr.") from error
    if getattr(found, "__module__", None) != module_name:
        raise InputError(f"{target} is not defined there; refusing to build it.")
    if target not in builders and not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise InputError(f"{target} is no part that a model consists of; refusing to build it.")
    return found
