"""One process at a time works in a folder: a lock that names its holder, and that ends with the process whatever ends it."""

import contextlib
import errno
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from splatsr.disk.disk_errors import in_the_way
from splatsr.errors import InputError

try:
    import fcntl
except ImportError:  # Windows has no such locks: folders are not guarded there
    fcntl = None  # type: ignore[assignment]

NAME = "in_use.lock"
"""The file in the folder; it is there as long as the lock is held, or as its holder was killed."""

_held: set[Path] = set()
"""The folders that this process holds; the system's locks do not speak of one's own."""


@contextlib.contextmanager
def hold(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Holds the folder, which is made where it is missing, and removed where it is empty again at the end.

    The lock belongs to this process alone, not to those that it starts, and the system takes it back when the process ends: a
    killed run leaves no lock behind, only its file. It works between machines where their common file system has POSIX locks.

    Args:
        folder: to hold.
        patience: seconds to wait for another process that holds it.

    Raises:
        InputError: another process holds the folder (it is named), or the folder cannot be made or written to.
    """
    folder = folder.absolute()
    made = missing_folders(folder)
    until = time.monotonic() + patience
    while (file := _try(folder)) is None:
        if time.monotonic() >= until:
            remove_empty(made)
            raise InputError(
                f"{folder} is in use by {holder(folder) or 'another process'}; wait for it, or choose another folder."
            )
        time.sleep(0.2)
    _held.add(folder)
    try:
        yield
    finally:
        _held.discard(folder)
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()  # before the lock is given back: whoever takes it then makes a new file
        file.close()
        remove_empty(made)


def is_free(folder: Path, *, patience: float) -> bool:
    """Whether nobody holds the folder, now or within `patience` seconds: a process that was killed takes a while to end."""
    until = time.monotonic() + patience
    while holder(folder) is not None:
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
    return True


def holder(folder: Path) -> str | None:
    """Who holds the folder, as in "process 123 on host since 2026-01-31 12:00:00 (its command)"; None where nobody does."""
    folder = folder.absolute()
    if folder in _held:
        return "this process itself"
    if fcntl is None or not (folder / NAME).is_file():
        return None
    with contextlib.suppress(OSError), _open(folder / NAME) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return file.read(1000).decode("utf-8", "replace").strip() or "another process"
    return None


def check_free(folder: Path) -> None:
    """InputError where a process works in the folder, or in the one above it."""
    for one in (folder, folder.parent):
        if (who := holder(one)) is not None:
            raise InputError(f"{one} is in use by {who}; choose another output.")


def missing_folders(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, the lowest first."""
    return [one for one in (folder.absolute(), *folder.absolute().parents) if not one.exists()]


def remove_empty(folders: list[Path]) -> None:
    """Removes those of the folders that are empty, the lowest first."""
    for one in folders:
        with contextlib.suppress(OSError):
            one.rmdir()


def _try(folder: Path) -> BinaryIO | None:
    """The open file of the lock, if the lock could be taken now."""
    if folder in _held:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _open(folder / NAME)
    except OSError as error:
        raise InputError(f"{folder} cannot be used: {in_the_way(folder) or error.strerror or error}.") from error
    try:
        if fcntl is not None:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(file, folder / NAME):  # whoever held it has just removed it
            raise BlockingIOError
        file.truncate(0)
        file.write(_own_name().encode())
        file.flush()
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        file.close()
        raise InputError(f"{folder} cannot be used: {error.strerror or error}.") from error
    return file


def _open(path: Path) -> BinaryIO:
    """The file, made where it is missing; a link, which could lead to any other file, or a pipe is refused."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EEXIST, f"{NAME} in it is no file of a run")
    return os.fdopen(handle, "r+b")


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _own_name() -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    command = " ".join(sys.argv)[:100].encode("utf-8", "replace").decode()
    return f"process {os.getpid()} on {socket.gethostname()} since {since} ({command})"
