"""Images in a folder and all folders below it, found by their names."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from splatsr.errors import InputError
from splatsr.image_files.formats import SUFFIXES, known_suffixes
from splatsr.image_files.one_line import say_once


class Part(NamedTuple):
    """The image files that lie in one and the same folder, by name."""

    folder: Path
    names: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [self.folder / name for name in self.names]


def find_parts(folder: str | Path) -> Iterator[Part]:
    """The folders at and below `folder` that hold images, one after the other as they are asked for; nothing is opened.

    A folder's own images come before its subfolders', each sorted by name. Hidden files and folders are left out. Linked
    folders are followed, and every folder is looked at once, by whichever of its names comes first. Files of other kinds are
    counted, and said in one line of the log at the end.

    Raises:
        InputError: the folder does not exist, cannot be read, or holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise InputError(f"folder {folder} {what}; expected a folder of images ({known_suffixes()}).")
    empty, others = True, Counter[str]()
    seen = {_identity(folder)}
    for current, subfolders, files in os.walk(folder, followlinks=True, onerror=_say_unreadable):
        subfolders[:] = [name for name in sorted(subfolders) if not name.startswith(".")]
        subfolders[:] = [name for name in subfolders if _is_new(Path(current, name), seen)]
        visible = sorted(name for name in files if not name.startswith("."))
        names = [name for name in visible if is_image_name(name)]
        others.update(_ending(name) for name in visible if not is_image_name(name))
        if names:
            empty = False
            yield Part(Path(current), tuple(names))
    if empty:
        raise InputError(f"folder {folder} holds no images ({known_suffixes()}){_left_out(others)}.")
    if others:
        say_once(f"{folder}{_left_out(others)}")


def find_images(folder: str | Path) -> list[Path]:
    """The images of all `find_parts`, in that order."""
    return [path for part in find_parts(folder) for path in part.paths]


def is_image_name(name: str) -> bool:
    """Whether the name ends like an image that can be read."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is_new(folder: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether the folder is met for the first time; it is then remembered."""
    try:
        identity = _identity(folder)
    except OSError:  # a link to nowhere, or to itself
        return False
    if identity in seen:
        return False
    seen.add(identity)
    return True


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower() or "without suffix"


def _left_out(others: Counter[str]) -> str:
    """(left out: 3 .txt, 1 .heic): the most frequent first; empty where there are none."""
    counts = [f"{count} {ending}" for ending, count in sorted(others.items(), key=lambda item: (-item[1], item[0]))[:10]]
    return f" (files of other kinds are left out: {', '.join(counts)}{', ...' if len(others) > 10 else ''})" if others else ""


def _say_unreadable(error: OSError) -> None:
    say_once(f"{error.filename} cannot be looked into ({error.strerror}); what it holds is left out.")
