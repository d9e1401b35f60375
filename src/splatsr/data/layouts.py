"""Where images lie: folders and files below a root, as data sets unpack (conf/data/div2k.yaml and its neighbours)."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from splatsr.errors import InputError
from splatsr.image_files.folder import Part, find_parts


def images_in(paths: str | Sequence[str | Path], root: str | None) -> list[Path]:
    """The images of one folder, or of a list of folders and image files, in that order; relative paths are below `root`.

    Raises:
        InputError: a folder does not exist or holds no image.
    """
    return [path for part in parts_in(paths, root) for path in part.paths]


def parts_in(paths: str | Sequence[str | Path], root: str | None) -> Iterator[Part]:
    """The same images, folder by folder; files that are named one by one and lie together are one part.

    Raises:
        InputError: as `images_in`.
    """
    if isinstance(paths, str):
        yield from find_parts(Path(root or "", paths))
        return
    below_root = [Path(root or "", path) for path in paths]
    for (is_file, parent), group in itertools.groupby(below_root, lambda path: (path.is_file(), path.parent)):
        if is_file:
            yield Part(parent, tuple(file.name for file in group))
        else:
            for folder in group:
                yield from find_parts(folder)


def check_tree(root: str | None, needed: Sequence[str], tree: Sequence[str]) -> None:
    """Only with a root: InputError unless every one of `needed` is there; it names what is missing of the whole `tree`."""
    if root is None or all(Path(root, folder).exists() for folder in needed):
        return
    missing = ", ".join(folder for folder in tree if not Path(root, folder).exists())
    expected = ", ".join(f"{Path(root, folder)}/<images>" for folder in tree)
    raise InputError(f"{root} lacks {missing}; expected tree: {expected}. Set data.root=<the folder that holds it>.")
