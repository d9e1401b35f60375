"""Where archives lie, on a disk or in a store: whatever fsspec is asked, and what its errors mean."""

import os
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import fsspec

from splatsr.errors import InputError
from splatsr.image_files.one_line import one_line

Answer = TypeVar("Answer")

PAUSES = (0.5, 2.0, 8.0)
"""Seconds after which a store that fails is asked again."""

LASTING = (ImportError, FileNotFoundError, PermissionError, ValueError)
"""What asking again does not mend; nor statuses 4xx of a server, apart from `PASSING`."""

PASSING = (408, 425, 429)
"""Too slow, too early, too often."""


class UnreachableError(InputError):
    """A disk or a store does not give what is asked of it; whether a photograph there is damaged is not known."""


class Location:
    """A file, a folder or a pattern, and the file system that it belongs to; each process has its own connection to it.

    Args:
        name: a path, or a URL that fsspec knows (s3://, gs://, https://).
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.remote = "://" in name
        self._web = name.startswith(("http://", "https://"))
        self._connected: tuple[int, Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connected": None}

    @property
    def path(self) -> str:
        """The name without what a web server is asked beside it, such as a signature."""
        return re.split("[?#]", self.name)[0] if self._web else self.name

    def asked(self, ask: Callable[[Any, str], Answer]) -> Answer:
        """What ask(file system, path there) returns; a store that fails is asked again after `PAUSES`.

        Raises:
            UnreachableError: whatever the file system raises.
        """
        pauses = iter(PAUSES if self.remote else ())
        while True:
            try:
                return ask(*self._connection())
            except Exception as error:
                true = self._true(error)
                pause = None if _lasts(true) else next(pauses, None)
                if pause is None:
                    raise UnreachableError(f"{self.name}{_what(true)}.") from error
            time.sleep(pause)

    def opened(self, **settings: Any) -> Any:
        """The file, to be read from anywhere; settings are those of fsspec's `open`."""
        return _File(self, self.asked(lambda files, path: files.open(path, "rb", **settings)))

    def listed(self, suffix: str) -> list[str]:
        """The names of what a pattern (*) stands for, or of all files in a folder, however deep, that end with the suffix."""

        def ask(files: Any, path: str) -> list[str]:
            found = files.glob(path) if "*" in self.path else _below(files, path, suffix)
            return sorted({files.unstrip_protocol(one) for one in found})

        return self.asked(ask)

    def _connection(self) -> tuple[Any, str]:
        if self._connected is None or self._connected[0] != os.getpid():
            files, path = fsspec.url_to_fs(self.name, skip_instance_cache=self.remote)
            self._connected = os.getpid(), files, path
        return self._connected[1:]

    def _true(self, error: BaseException) -> BaseException:
        """fsspec takes every failure of a web server to tell a file's length for a missing file, and names the cause."""
        return error.__cause__ or error if self._web and isinstance(error, FileNotFoundError) else error


class _File:
    """An open file of which every step is `asked`."""

    def __init__(self, location: Location, file: Any) -> None:
        self._location, self._file = location, file

    def read(self, length: int) -> bytes:
        return self._location.asked(lambda files, path: self._file.read(length))

    def seek(self, position: int) -> None:
        self._location.asked(lambda files, path: self._file.seek(position))

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def _below(files: Any, folder: str, suffix: str) -> list[str]:
    """(fsspec's `find` passes over folders that it cannot list.)"""
    found = []
    for entry in files.ls(folder, detail=True):
        if entry["type"] != "directory":
            found += [entry["name"]] * entry["name"].endswith(suffix)
        elif entry["name"].rstrip("/") != folder.rstrip("/"):
            found += _below(files, entry["name"], suffix)
    return found


def _status(error: BaseException) -> int:
    """A web server's; 0: it gave none."""
    status = getattr(error, "status", 0)
    return status if isinstance(status, int) else 0


def _lasts(error: BaseException) -> bool:
    return isinstance(error, LASTING) or (400 <= _status(error) < 500 and _status(error) not in PASSING)


def _what(error: BaseException) -> str:
    """What the error says, to follow the location."""
    if isinstance(error, ImportError):
        return f": {one_line(error)}"  # which package is missing
    if isinstance(error, FileNotFoundError) or _status(error) in (404, 410):
        return ": no such archive or folder"
    if status := _status(error):
        return f" cannot be read: its server answers {status} {one_line(getattr(error, 'message', ''))}".rstrip()
    return f" cannot be read: {one_line(getattr(error, 'strerror', None) or error).rstrip('.') or type(error).__name__}"
