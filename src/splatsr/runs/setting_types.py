"""Whether every setting has a reader, and is what the reader's annotation says: said in one line, before any data are read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from splatsr import arguments as plain
from splatsr.errors import InputError
from splatsr.runs.library_bounds import bounds_of
from splatsr.runs.targets import find_target

_OWN = ("_target_", "_partial_")


def check_arguments(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """Checks plain values against the annotations of a function or class, and those of parts below by their own `_target_`.

    Args:
        reader: takes the arguments.
        arguments: its keyword arguments, as settings; parts are mappings with a `_target_`.
        where: the dotted name of what holds them, "" for the root.

    Raises:
        InputError: the reader has no argument of that name, or a value is not what its annotation says; it is named, and what
            was expected.
    """
    plain.check_arguments(reader, arguments, where, bounds_of(reader))
    for key, value in arguments.items():
        check_parts(value, f"{where}.{key}" if where else key)


def check_parts(value: Any, name: str) -> None:
    """Looks for parts with a `_target_` in nested settings, and checks their arguments; InputError as in `check_arguments`."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            reader = find_target(value["_target_"], name)
            if not isinstance(value.get("_partial_", False), bool):
                raise InputError(f"{name}._partial_ must be true or false; got {plain.shown(value['_partial_'])}.")
            arguments = {key: one for key, one in value.items() if key not in _OWN}
            check_arguments(reader, arguments, name)
            if not value.get("_partial_"):
                plain.check_given(reader, arguments, name)
        else:
            for key, one in value.items():
                check_parts(one, f"{name}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, one in enumerate(value):
            check_parts(one, f"{name}[{index}]")
