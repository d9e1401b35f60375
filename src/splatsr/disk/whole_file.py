"""Files that appear whole or not at all: written beside their place, then put there in one step."""

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from splatsr.disk.disk_errors import disk_error, explain_disk_error
from splatsr.disk.leftovers import partial_name, remove_leftovers_of
from splatsr.errors import InputError


@contextlib.contextmanager
def whole_file(path: str | Path, *, replace: bool = True) -> Iterator[Path]:
    """A path in the same folder to write to; at the end of the block its file takes the place of `path`.

    If anything fails nothing is left of it, and a file that was there stays readable until the very last step. The content is
    on the disk before the name is (fsync), so that a power cut leaves the old file or the new one. The file's mode is the
    umask's, whoever wrote it. Two processes that write the same path do not disturb each other: the later one's file stays.
    What killed processes of this machine have left behind is cleaned up. The folder is made where it is missing. Where
    `path` is a link, the file takes the place of what the link leads to.

    Args:
        path: of the file.
        replace: whether it may take the place of another, also of one that has come there meanwhile.

    Raises:
        InputError: the file cannot be written, for example because the disk is full; or there is one already.
    """
    given = Path(path)
    check_place(given)
    path = Path(os.path.realpath(given))
    partial = partial_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers_of(path)
        try:
            with partial.open("xb") as file:
                mode = os.fstat(file.fileno()).st_mode
            yield partial
            os.chmod(partial, mode)
            _to_disk(partial)
            if replace:
                os.replace(partial, path)
            else:
                _put_where_nothing_is(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _to_disk(path.parent)
    except Exception as error:
        if isinstance(error, InputError) or (cause := disk_error(error)) is None:
            raise
        raise InputError(explain_disk_error(cause, given)) from error


def check_place(path: Path) -> None:
    """InputError where no file can be put, for what is there: a pipe, socket or device, or a link that leads to itself."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise InputError(explain_disk_error(error, path)) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(f"{path} is a pipe, socket or device; give the name of a file.")


def write_text(path: str | Path, text: str) -> None:
    """A text file, UTF-8; raises as `whole_file`."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """A JSON file, indented; raises as `whole_file`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def _put_where_nothing_is(partial: Path, path: Path) -> None:
    """Gives the file its name in one step that fails where the name is taken."""
    try:
        os.link(partial, path)
    except FileExistsError as error:
        raise InputError(f"{path} exists already; nothing is overwritten, choose another output.") from error
    except OSError:  # a file system without links
        if path.exists():
            raise InputError(f"{path} exists already; nothing is overwritten, choose another output.") from None
        os.replace(partial, path)


class _WithoutAliases(yaml.SafeDumper):
    """Values that occur twice are written twice: `read_back` refuses aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_yaml(path: str | Path, content: Any) -> None:
    """A YAML file of plain values, keys in their order; raises as `whole_file`."""
    write_text(path, yaml.dump(content, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True))


def _to_disk(path: Path) -> None:
    """Waits until a file's content, or a folder's names, are on the disk; file systems that cannot say so are believed."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
            os.fsync(handle)
    finally:
        os.close(handle)
