"""Objects from plain configuration: what a model's file, or conf/model, says is built from classes of this package alone."""

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from splatsr.errors import InputError

ROOMS = ("splatsr.models.", "splatsr.encoders.", "splatsr.heads.", "splatsr.decoders.", "splatsr.prior.")
"""Where the parts of models are defined."""


def build(config: Any) -> Any:
    """Objects from a nested configuration: dicts with `_target_` are called with their other entries as keyword arguments.

    `_partial_: true` binds the arguments instead of calling. Only targets in `ROOMS` are allowed.

    Raises:
        InputError: a target lies elsewhere, does not exist, or refuses its arguments.
    """
    if isinstance(config, list | tuple):
        return [build(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    arguments = {key: build(value) for key, value in config.items() if key not in ("_target_", "_partial_")}
    if "_target_" not in config:
        return arguments
    target = _find(config["_target_"])
    if config.get("_partial_"):
        return functools.partial(target, **arguments)
    try:
        return target(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{config['_target_']}: {error}") from error


def _find(target: Any) -> Any:
    if not isinstance(target, str) or not target.startswith(ROOMS):
        raise InputError(f"{target!r} is no part of a model (they are in {', '.join(ROOMS)}); refusing to build it.")
    module_name, _, name = target.rpartition(".")
    try:
        found = vars(importlib.import_module(module_name))[name]
    except (ImportError, KeyError) as error:
        raise InputError(f"{target} does not exist in this version of splatsr.") from error
    if getattr(found, "__module__", None) != module_name:
        raise InputError(f"{target} is not defined there; refusing to build it.")
    return found
