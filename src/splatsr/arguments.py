"""Plain values (numbers, texts, lists) against the annotations of the functions and classes that take them: types and bounds.

Bounds are those of `bounds`. Besides, whatever takes them: no text is empty, no number is infinite unless its annotation says
so, none is NaN, and none is so large that no machine's number holds it.
"""

import difflib
import inspect
import math
import operator
import re
import reprlib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typeguard
from annotated_types import Ge, Gt, Le, Len, Lt, MinLen

from splatsr.bounds import MayBeInfinite, Ordered
from splatsr.errors import InputError

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}

_LARGEST_WHOLE, _LARGEST = 2**63 - 1, 3.4e38
"""What 64 bits hold, and float32."""

_COMPARISONS = {
    Ge: ("ge", operator.ge, "of at least"),
    Gt: ("gt", operator.gt, "greater than"),
    Le: ("le", operator.le, "of at most"),
    Lt: ("lt", operator.lt, "less than"),
}

Hints = Mapping[str, Any]
"""Annotations by the arguments' names."""


def check_arguments(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str, more: Hints | None = None) -> None:
    """Checks arguments that are plain values; those that hold parts (mappings with a `_target_`) are checked by kind only.

    Args:
        reader: takes the arguments.
        arguments: its keyword arguments.
        where: the dotted name of what holds them, "" for the root.
        more: annotations in place of the reader's own.

    Raises:
        InputError: the reader has no argument of that name, or a value is not what its annotation says; it is named, and what
            was expected.
    """
    hints = {**annotations(reader), **(more or {})}
    check_names(reader, arguments, where)
    for key, value in arguments.items():
        check_value(value, hints.get(key, Any), f"{where}.{key}" if where else str(key))


def check_names(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """InputError where the reader has no argument of one of these names."""
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


def check_given(reader: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """InputError where an argument is left out that the reader has no value of its own for."""
    try:
        parameters = inspect.signature(reader).parameters
    except ValueError:  # written in C
        return
    for name, one in parameters.items():
        needed = one.default is one.empty and one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)
        if needed and name not in arguments:
            raise InputError(f"{f'{where}.{name}' if where else name} is left out; it must be given.")


def check_value(value: Any, hint: Any, name: str) -> None:
    """InputError unless the value, a setting called `name`, is what the annotation says; what it says of objects is not looked
    at: parts stand for them, and are made later."""
    of = typing.get_args(hint)
    if isinstance(value, Mapping) and "_target_" not in value and _is_mapping(hint):
        for key, one in value.items():
            check_value(one, of[1], f"{name}.{key}")
        return
    if isinstance(value, Mapping) and "_target_" in value:
        _check_called(value, hint, name)
    if not _fits(value, hint):
        quoted = f" (What looks like something else is text in two quotes: '{name}=\"...\"'.)" if _is_text(hint, value) else ""
        raise InputError(f"{name} must be {describe(hint)}; got {shown(value)}.{quoted}")
    if unusable := _unusable(value, infinite=_mentions(hint, MayBeInfinite)):
        raise InputError(f"{name} {unusable}")


def annotations(reader: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function's or a class's arguments, with their bounds; none where they cannot be told."""
    reader = reader.func if isinstance(reader, partial) else reader
    function = reader.__init__ if inspect.isclass(reader) else reader
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # names that only a type checker knows
        return {}


def describe(hint: Any) -> str:
    """A type in words: "a list of whole numbers of at least 1, or null"."""
    if isinstance(hint, type) and hint in _WORDS:
        return _WORDS[hint]
    origin, inner = typing.get_origin(hint), [one for one in typing.get_args(hint) if one is not ...]
    if origin is Annotated:
        return _describe_bounds(inner[0], inner[1:])
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (typing.Union, types.UnionType):
        plain = [one for one in inner if _speaks_of_plain_values(one)] or inner  # Tensor and the like cannot be set
        kinds = dict.fromkeys(describe(one) for one in plain if one is not int or float not in plain)
        return ", or ".join(kinds)
    if _is_mapping(hint):
        return "a mapping of names to values"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        of = dict.fromkeys(map(_plural, (one for one in inner if _speaks_of_plain_values(one))))
        count = f"{len(inner)} " if origin is tuple and ... not in typing.get_args(hint) else ""
        return f"a list of {count}{' and '.join(of)}" if of else "a list"
    if hint is Path:
        return "text"
    return "a part with a _target_" if isinstance(hint, type) or origin is not None else str(hint)


def shown(value: Any) -> str:
    """A plain value as YAML has it, shortened: null, true, 'text', [1, 2]."""
    if isinstance(value, Mapping):
        return f"the part {value['_target_']}" if "_target_" in value else "{" + ", ".join(map(str, value)) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value[:8]))}{', ...' if len(value) > 8 else ''}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if len(repr(value)) < 200 else reprlib.repr(value)


def in_plain_words(error: BaseException) -> str:
    """The first line of what Python or a library says of an argument, without its words for it."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    if missing := re.search(r"missing \d+ required (?:keyword-only|positional) arguments?: (.+)", text):
        return f"{missing[1].replace(chr(39), '')} must be given"
    if unexpected := re.search(r"got an unexpected keyword argument '(\w+)'", text):
        return f"nothing reads {unexpected[1]}"
    return text


def _check_called(part: Mapping[str, Any], hint: Any, name: str) -> None:
    """InputError where a part is bound (`_partial_`) that should be made, or made that should be bound."""
    later = typing.get_origin(hint) is Callable
    if (later or (isinstance(hint, type) and hint is not object)) and bool(part.get("_partial_")) != later:
        raise InputError(f"{name}._partial_ must be {str(later).lower()}.")


def _describe_bounds(hint: Any, bounds: Sequence[Any]) -> str:
    """A type with its bounds in words."""
    limits = {type(bound): getattr(bound, _COMPARISONS[type(bound)][0]) for bound in bounds if type(bound) in _COMPARISONS}
    words = describe(hint)
    if hint is int and Lt in limits:
        limits[Le] = limits.pop(Lt) - 1
    if Ge in limits and Le in limits:
        words += f" from {limits[Ge]} to {limits[Le]}"
    elif limits:
        words += " " + " and ".join(f"{_COMPARISONS[kind][2]} {limit}" for kind, limit in limits.items())
    for bound in bounds:
        if isinstance(bound, Len) and bound.min_length == bound.max_length:
            words = words.replace("a list of", f"a list of {bound.min_length}", 1)
        elif isinstance(bound, Len):
            least = f"{bound.min_length} or more " if bound.min_length else ""
            words = words.replace("a list of ", f"a list of {least}", 1)
            words += f", at most {bound.max_length} of them" if bound.max_length is not None else ""
        elif isinstance(bound, MinLen):
            words = words.replace("a list of", f"a list of {bound.min_length} or more", 1)
        elif isinstance(bound, Ordered):
            words += f", {bound}"
    return words


def _plural(hint: Any) -> str:
    words = describe(hint).removeprefix("a ")
    return re.sub(r"^(whole number|number|text|list)\b", r"\1s", words)


def _unusable(value: Any, *, infinite: bool) -> str | None:
    """Why nothing can be meant by a value, at any depth."""
    if isinstance(value, Mapping):
        return None  # looked into by those who know its parts
    if isinstance(value, list | tuple):
        return next(filter(None, (_unusable(one, infinite=infinite) for one in value)), None)
    if isinstance(value, str) and not value.strip():
        return "must not be empty; leave it out, or set it to null where that is allowed."
    if isinstance(value, float) and (math.isnan(value) or (math.isinf(value) and not infinite)):
        return f"must be a finite number; got {value}."
    if isinstance(value, int | float) and not isinstance(value, bool) and not (infinite and math.isinf(value)):
        largest = _LARGEST_WHOLE if isinstance(value, int) else _LARGEST
        if abs(value) > largest:
            return f"must be a number of at most {largest:.4g}, or its negative; got one beyond."
    return None


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type and within its bounds; a part is where anything but plain values is allowed."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in (Any, object) or isinstance(hint, typing.TypeVar):
        return True
    if origin is Annotated:
        return _fits(value, inner[0]) and all(_within(value, bound) for bound in inner[1:])
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if isinstance(value, Mapping) and "_target_" in value:
        return not _only_plain(hint)
    if _is_mapping(hint) and isinstance(value, Mapping):
        return all(isinstance(key, str) and _fits(one, inner[1]) for key, one in value.items())
    if isinstance(origin, type) and issubclass(origin, Sequence) and isinstance(value, list | tuple):
        if origin is tuple and ... not in inner:
            return len(value) == len(inner) and all(map(_fits, value, inner))
        return all(_fits(one, inner[0]) for one in value)
    if isinstance(value, bool) and hint in (int, float):
        return False
    if isinstance(value, str) and isinstance(origin, type) and issubclass(origin, Sequence):  # of letters
        return False
    if hint is Path:
        return isinstance(value, str | Path)
    return _is_of(value, hint) if isinstance(hint, type) or origin is not None else True


def _is_of(value: Any, hint: Any) -> bool:
    try:
        typeguard.check_type(value, hint, forward_ref_policy=typeguard.ForwardRefPolicy.IGNORE)
    except typeguard.TypeCheckError:
        return False
    return True


def _within(value: Any, bound: Any) -> bool:
    if value is None or isinstance(value, Mapping):
        return True
    if type(bound) in _COMPARISONS:
        attribute, compare, _ = _COMPARISONS[type(bound)]
        return bool(compare(value, getattr(bound, attribute)))
    if isinstance(bound, Len):
        return bound.min_length <= len(value) <= (len(value) if bound.max_length is None else bound.max_length)
    if isinstance(bound, MinLen):
        return len(value) >= bound.min_length
    return not isinstance(bound, Ordered) or bound.holds(value)


def _is_mapping(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _only_plain(hint: Any) -> bool:
    inner = [one for one in typing.get_args(hint) if one is not ...]
    if typing.get_origin(hint) is typing.Literal:
        return True
    return all(map(_only_plain, inner)) if inner else isinstance(hint, type) and hint in _WORDS


def _speaks_of_plain_values(hint: Any) -> bool:
    """Whether the annotation is about what settings hold; others (Tensor, a class) are left to the reader."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is Annotated:
        return _speaks_of_plain_values(inner[0])
    parts = [one for one in inner if one is not ...]
    if not parts:
        return isinstance(hint, type) and (hint in _WORDS or hint is Path)
    return typing.get_origin(hint) is typing.Literal or any(map(_speaks_of_plain_values, parts))


def _is_text(hint: Any, value: Any) -> bool:
    """Whether text was wanted, and a number or the like was given."""
    wanted = [hint, *typing.get_args(hint)] if typing.get_origin(hint) in (typing.Union, types.UnionType) else [hint]
    return str in wanted and isinstance(value, bool | int | float)


def _mentions(hint: Any, kind: type) -> bool:
    return isinstance(hint, kind) or any(_mentions(one, kind) for one in typing.get_args(hint))
