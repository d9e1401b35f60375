"""Files that appear whole or not at all: written beside their place, then put there in one step."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from splatsr.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path in the same folder to write to; at the end of the block its file takes the place of `path`.

    If anything fails nothing is left of it, and a file that was there stays. The folder is made where it is missing.

    Raises:
        InputError: the file cannot be written, for example because the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error


def write_text(path: str | Path, text: str) -> None:
    """A text file, UTF-8; raises as `whole_file`."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """A JSON file, indented; raises as `whole_file`."""
    write_text(path, json.dumps(content, indent=2) + "\n")
