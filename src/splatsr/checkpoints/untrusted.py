"""Building what a file from anywhere describes: bounded in depth, numbers and memory, and every failure one line."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from splatsr.checkpoints.build import build
from splatsr.errors import InputError

DEEPEST = 12
"""Levels of nesting; models have five."""

LARGEST = 4096
"""Whole number; the published widths end at 1024, dictionaries at 730 rows."""

SPARE = 10_000_000
"""Elements that building a model may need beyond four times those of its file, for tables, masks and numbers replaced."""


def build_from_file(config: Any, *, elements: int, source: str) -> Any:
    """The object that a file's configuration describes.

    Args:
        config: nested plain values.
        elements: numbers in all tensors of the file; what is built may not be much larger.
        source: the file, for messages.

    Raises:
        InputError: whatever is wrong with it, before memory is taken for it.
    """
    _check(config, "model", source, depth=DEEPEST)
    try:
        with _Bounded(4 * elements + SPARE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # the weights then do not fit
            return build(config)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{source} describes a model that cannot be built: {reason}.") from error


class _Bounded(TorchDispatchMode):
    """Refuses to make tensors of more elements in total, before they are made."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.left = elements

    def __torch_dispatch__(self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None):  # noqa: ANN204
        kwargs = kwargs or {}
        names = [argument.name for argument in function._schema.arguments]
        if names[:1] == ["size"]:  # of empty, zeros, ones, full, rand, randn
            size = args[0] if args else kwargs["size"]
            self.left -= math.prod(max(side, 0) for side in size)
            if self.left < 0:
                raise InputError("the described model is far larger than the tensors in the file; refusing to build it.")
        return function(*args, **kwargs)


def _check(value: Any, name: str, source: str, *, depth: int) -> None:
    """InputError unless the value is plain, not too deep, and its whole numbers are such as models have."""
    if depth < 0:
        raise InputError(f"{source} describes a model by values nested more than {DEEPEST} deep; refusing to build it.")
    if isinstance(value, Mapping):
        for key, one in value.items():
            if not isinstance(key, str):
                raise InputError(f"{source} is damaged: {name} has a key that is no text.")
            _check(one, f"{name}.{key}", source, depth=depth - 1)
    elif isinstance(value, list | tuple):
        for one in value:
            _check(one, name, source, depth=depth - 1)
    elif isinstance(value, int) and not isinstance(value, bool) and not name.endswith("seed") and not 0 <= value <= LARGEST:
        raise InputError(f"{source}: {name} is {value}; models have whole numbers from 0 to {LARGEST}.")
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise InputError(f"{source} is damaged: {name} is a {type(value).__name__}, expected plain values.")


def count_elements(tensors: Mapping[str, torch.Tensor]) -> int:
    """Numbers in all tensors of a file."""
    return sum(tensor.numel() for tensor in tensors.values())
