"""Text, JSON and YAML that the suite wrote, read back: whatever has become of a file meanwhile is one line."""

import json
from pathlib import Path
from typing import Any

import yaml

from splatsr.errors import InputError

LARGEST = 2**28
"""Bytes; the suite's own files are far smaller."""

DEEPEST = 50
"""Levels of nesting in YAML; configurations have a dozen."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where PyYAML has it: Python's takes quadratic time for values that are nested deep."""


def read_text(path: str | Path) -> str:
    """The file's text, UTF-8.

    Raises:
        InputError: it is not there, cannot be read, is no text, or larger than `LARGEST`.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is damaged: it is larger than {LARGEST >> 20} MiB.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is damaged: it is no UTF-8 text.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_json(path: str | Path) -> Any:
    """The value in a JSON file; InputError as `read_text`, and where it is no JSON."""
    try:
        return json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # the first also where a number has thousands of digits
        raise InputError(f"{path} is damaged ({_first_line(error)}).") from error


def read_yaml(path: str | Path) -> Any:
    """The value in a YAML file: plain values only, and none that stands for others (an alias can make a few bytes endless).

    Raises:
        InputError: as `read_text`, and where it is no such YAML.
    """
    text = read_text(path)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{path} is refused: it holds aliases (*name), which the suite does not write.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise InputError(f"{path} is damaged: its values are nested more than {DEEPEST} deep.")
        return yaml.load(text, Loader=_Loader)
    except InputError:
        raise
    except Exception as error:  # of PyYAML's constructors any: !!bool x is a KeyError, !!timestamp x an AttributeError
        raise InputError(f"{path} is damaged ({_first_line(error)}).") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
