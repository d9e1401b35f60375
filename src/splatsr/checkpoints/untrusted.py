"""Building what a file from anywhere describes: bounded in depth, numbers, memory and parts, and every failure one line."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from splatsr.checkpoints.build import build
from splatsr.checkpoints.plain_values import MOST, values_in
from splatsr.checkpoints.state_dict import stored_bytes
from splatsr.errors import InputError
from splatsr.image_files.one_line import one_line

DEEPEST = 12
"""Levels of nesting; models have five."""

LARGEST = 4096
"""Whole number; the published widths end at 1024, dictionaries at 730 rows."""

SPARE = 10_000_000
"""Elements that building a model may need beyond four times those of its file, for tables, masks and numbers replaced."""

SMALLEST = 1000
"""Elements that a tensor counts as at least: many small ones take time instead of memory."""

_LARGEST_SEED = 2**63 - 1


def build_from_file(config: Any, *, elements: int, source: str) -> Any:
    """The object that a file's configuration describes.

    Args:
        config: nested plain values.
        elements: numbers that the file stores, see `count_elements`; what is built may not be much larger.
        source: the file, for messages.

    Raises:
        InputError: whatever is wrong with it, before memory is taken for it.
    """
    check_description(config, source)
    try:
        with _Bounded(4 * elements + SPARE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # the weights then do not fit
            return build(config)
    except InputError as error:
        raise InputError(f"{source}: {one_line(error)}") from error
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{source} describes a model that cannot be built: {one_line(reason)}.") from error


class _Bounded(TorchDispatchMode):
    """Refuses to make tensors of more elements in total, before they are made."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.left = elements

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled within it, and torch would import its compiler, three seconds, to make sure of that

    def __torch_dispatch__(self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None):  # noqa: ANN204
        kwargs = kwargs or {}
        names = [argument.name for argument in function._schema.arguments]
        if names[:1] == ["size"]:  # of empty, zeros, ones, full, rand, randn
            size = args[0] if args else kwargs["size"]
            self.left -= max(math.prod(max(side, 0) for side in size), SMALLEST)
            if self.left < 0:
                raise InputError("the described model is far larger than the tensors in the file; refusing to build it.")
        return function(*args, **kwargs)


def check_description(config: Any, source: str) -> None:
    """InputError unless the values are plain, not too deep, not too many, and whole numbers are such as models have.

    Of a file, or of the settings of a training, whose files could not be read otherwise.
    """
    for count, (dotted, value, level) in enumerate(values_in(config, "model")):
        name = one_line(dotted)
        if level > DEEPEST:
            raise InputError(f"{source} describes a model by values nested more than {DEEPEST} deep; refusing to build it.")
        if count == MOST:
            raise InputError(f"{source} describes a model by more than {MOST:,} values; refusing to build it.")
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise InputError(f"{source} is damaged: {name} has a key that is no text.")
        elif isinstance(value, int) and not isinstance(value, bool):
            largest = _LARGEST_SEED if name.endswith("seed") else LARGEST
            if not 0 <= value <= largest:
                what = value if abs(value) <= _LARGEST_SEED else "far beyond"  # Python writes no number of 5000 digits
                raise InputError(f"{source}: {name} is {what}; models have whole numbers from 0 to {largest}.")
        elif not (value is None or isinstance(value, bool | float | str | list | tuple)):
            raise InputError(f"{source} is damaged: {name} is a {type(value).__name__}, expected plain values.")


def count_elements(tensors: Mapping[str, torch.Tensor]) -> int:
    """Numbers of four bytes that a file's tensors store."""
    return stored_bytes(tensors) // 4
