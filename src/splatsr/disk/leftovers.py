"""What killed processes have left of files that they were writing (see `whole_file`)."""

import hashlib
import itertools
import os
import re
import socket
from pathlib import Path

import psutil

_COUNT = itertools.count()
_NAME = re.compile(rf".+\.{re.escape(socket.gethostname())}-(\d+)-\d+\.partial", re.DOTALL)


_LONGEST = 150
"""Bytes of a name that an unfinished file's name begins with: with machine, process and count it has at most 255."""


def partial_name(path: Path) -> Path:
    """Where a file is written before it gets its name: beside it, by a name that no other process and no other file has."""
    return path.with_name(f"{_beginning(path)}.{socket.gethostname()}-{os.getpid()}-{next(_COUNT)}.partial")


def remove_leftovers_of(path: Path) -> None:
    """Removes what processes of this machine that do not run any more have left of one file."""
    with os.scandir(path.parent) as entries:
        names = [
            entry.name for entry in entries if entry.name.startswith(f"{_beginning(path)}.") and entry.name.endswith(".partial")
        ]
    _remove(path.parent, names)


def remove_leftovers(folder: Path) -> None:
    """The same of all files in and below a folder."""
    for current, _, names in os.walk(folder):
        _remove(Path(current), names)


def _beginning(path: Path) -> str:
    """The file's name, or what stands for one that is too long to be added to."""
    name = os.fsencode(path.name)
    return path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()


def _remove(folder: Path, names: list[str]) -> None:
    for name in names:
        if (found := _NAME.fullmatch(name)) and not psutil.pid_exists(int(found[1])):
            (folder / name).unlink(missing_ok=True)
