"""Whether every setting has a reader, and the type that its annotation names: said in one line, before any data are read."""

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hydra
import typeguard

from splatsr.errors import InputError

_OWN = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


def check_arguments(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """Checks plain values against the annotations of a function or class, and those of parts below by their own `_target_`.

    What an annotation says of objects (modules, callables, paths) is not looked at: settings hold plain values only.

    Args:
        reader: takes the arguments.
        arguments: its keyword arguments, as settings; parts are mappings with a `_target_`.
        where: the dotted name of what holds them, "" for the root.

    Raises:
        InputError: the reader has no argument of that name, or a value is of another type; it is named, and what was expected.
    """
    hints = _hints(reader)
    _check_names(reader, arguments, where)
    for key, value in arguments.items():
        name = f"{where}.{key}" if where else key
        check_parts(value, name)
        if key in hints and value is None and not _allows_null(hints[key]):
            raise InputError(f"{name} must be {describe(hints[key])}; got None.")
        if key in hints and _is_plain(value) and not _fits(value, hints[key]):
            raise InputError(f"{name} must be {describe(hints[key])}; got {value!r}.")


def describe(hint: Any) -> str:
    """A type in words: "a list of whole numbers, or null"."""
    if isinstance(hint, type) and hint in _WORDS:
        return _WORDS[hint]
    origin, inner = typing.get_origin(hint), [one for one in typing.get_args(hint) if one is not ...]
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (typing.Union, types.UnionType):
        plain = [one for one in inner if _speaks_of_plain_values(one)] or inner  # Tensor and the like cannot be set
        kinds = dict.fromkeys(describe(one) for one in plain if one is not int or float not in plain)
        return ", or ".join(kinds)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        of = dict.fromkeys(describe(one).removeprefix("a ") for one in inner)
        return f"a list of {' and '.join(f'{one}s' if one.endswith('number') else one for one in of)}" if of else "a list"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping of names to values"
    return getattr(hint, "__name__", str(hint))


def check_parts(value: Any, name: str) -> None:
    """Looks for parts with a `_target_` in nested settings, and checks their arguments; InputError as in `check_arguments`."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            reader = _reader(value["_target_"], name)
            check_arguments(reader, {key: one for key, one in value.items() if key not in _OWN}, name)
        else:
            for key, one in value.items():
                check_parts(one, f"{name}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, one in enumerate(value):
            check_parts(one, f"{name}[{index}]")


def _reader(target: Any, name: str) -> Callable[..., Any]:
    """What a `_target_` names."""
    try:
        found = hydra.utils.get_object(target)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InputError(f"{name}._target_ is {target!r}, which does not exist.") from error
    if not callable(found):
        raise InputError(f"{name}._target_ is {target!r}, which cannot be called.")
    return found


def _check_names(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """InputError where the reader has no such argument."""
    try:
        parameters = inspect.signature(reader).parameters
    except ValueError:  # written in C
        return
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    known = [name for name, one in parameters.items() if one.kind is not one.VAR_POSITIONAL]
    for key in arguments:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"{reader.__name__} takes {', '.join(known) or 'no arguments'}."
            raise InputError(f"nothing reads {f'{where}.{key}' if where else key}; {hint}")


def _hints(reader: Callable[..., Any]) -> dict[str, Any]:
    function = reader.__init__ if inspect.isclass(reader) else reader
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):  # names that only a type checker knows
        return {}


def _is_plain(value: Any) -> bool:
    """Whether there is nothing but numbers, texts and null in it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_is_plain, value))
    return not isinstance(value, Mapping)


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(value, bool) and not _allows(hint, bool):
        return False
    candidates = [value, tuple(value)] if isinstance(value, list) else [value]  # YAML knows no tuples
    for one in candidates:
        try:
            typeguard.check_type(
                one,
                hint,
                collection_check_strategy=typeguard.CollectionCheckStrategy.ALL_ITEMS,
                forward_ref_policy=typeguard.ForwardRefPolicy.IGNORE,
            )
        except typeguard.TypeCheckError:
            continue
        return True
    return not _speaks_of_plain_values(hint)


def _allows_null(hint: Any) -> bool:
    return hint in (Any, object, type(None)) or any(_allows_null(one) for one in _union(hint))


def _union(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else ()


def _allows(hint: Any, kind: type) -> bool:
    return hint in (Any, kind) or any(_allows(one, kind) for one in typing.get_args(hint)) or not _speaks_of_plain_values(hint)


def _speaks_of_plain_values(hint: Any) -> bool:
    """Whether the annotation is about what settings hold; others (Path, Tensor, a class) are left to the reader."""
    parts = [one for one in typing.get_args(hint) if one is not ...]
    if not parts:
        return isinstance(hint, type) and hint in _WORDS
    return typing.get_origin(hint) is typing.Literal or any(map(_speaks_of_plain_values, parts))
