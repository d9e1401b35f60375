"""What the images of a set are called in results: each by a name of its own."""

import os
from collections.abc import Sequence
from pathlib import Path


def image_names(paths: Sequence[Path], folder: Path | None) -> list[str]:
    """Of every file its path below `folder`, with slashes: a.png, deeper/a.png.

    Without a folder it is the file's name, where no two are alike, or else its path below the folder that all have in common. A
    file that is listed twice is a.png and a.png (2).
    """
    if folder is None and len({path.name for path in paths}) == len(set(paths)):
        names = [path.name for path in paths]
    else:
        above = folder or Path(os.path.commonpath([path.absolute().parent for path in paths]))
        names = [Path(os.path.relpath(path.absolute(), above.absolute())).as_posix() for path in paths]
    return [
        name if names.index(name) == index else f"{name} ({names[: index + 1].count(name)})" for index, name in enumerate(names)
    ]


def file_stems(names: Sequence[str]) -> list[str]:
    """Names of images as beginnings of names of files, no two alike: deeper/a.png is deeper-a, a second a is a-2."""
    stems: list[str] = []
    for name in names:
        stem = os.path.splitext(name)[0].replace("/", "-")[-100:]
        number, unique = 1, stem
        while unique in stems:
            number += 1
            unique = f"{stem}-{number}"
        stems.append(unique)
    return stems
