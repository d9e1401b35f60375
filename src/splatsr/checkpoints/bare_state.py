"""Checkpoints that are a state dict and nothing else, or that under a key, as BasicSR and others save them.

They have no arguments; a method's file knows its own by the names and shapes of the tensors (`PUBLISHED_STATES`).
"""

import importlib
import logging
import pkgutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from splatsr import models
from splatsr.checkpoints.holders import within_holders, without_parallel
from splatsr.checkpoints.published import listed, unused_kind
from splatsr.checkpoints.state_dict import check_state
from splatsr.errors import InputError
from splatsr.published_form import PublishedState

log = logging.getLogger(__name__)


def form_of(content: Any) -> PublishedState | None:
    """Which method's state dict an unpickled file holds; None where it is none's."""
    state = within_holders(content)
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        return None
    names = without_parallel(state).keys()
    return next((form for form in states() if set(form.known_by) <= names), None)


def states() -> list[PublishedState]:
    """What the methods' files say about such checkpoints."""
    found = (importlib.import_module(f"{models.__name__}.{module.name}") for module in pkgutil.iter_modules(models.__path__))
    return [form for module in found for form in getattr(module, "PUBLISHED_STATES", [])]


def translate(content: Any, form: PublishedState, *, source: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(configuration, tensors under our names) of the file's content; logs what it is and what is not used.

    Raises:
        InputError: an entry is no tensor, or the network is another one than the method's.
    """
    state = within_holders(content)
    check_state(state, source)
    used: dict[str, Tensor] = {}
    unused: Counter[str] = Counter()
    for name, tensor in without_parallel(state).items():
        kind = None if name in form.known_by else unused_kind(name, tensor)
        if kind in (None, *_OF_THE_END):
            used[name] = tensor
        else:
            unused[str(kind)] += 1
    try:
        config, tensors = form.read(used)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (LookupError, ValueError, ArithmeticError) as error:
        raise InputError(f"{source} is no {form.title} as published: its tensors have other names or shapes.") from error
    log.info(
        "%s: published %s, %s parameters; not used: %s",
        Path(source).name, form.title, f"{sum(tensor.numel() for tensor in tensors.values()):,}", listed(unused),
    )  # fmt: skip
    return config, tensors


_OF_THE_END = ("conv_last", "tail.1", "UPNet.2", "UPNet.4", "sub_mean", "add_mean")
"""What no encoder needs, but a network to its pixels does."""
