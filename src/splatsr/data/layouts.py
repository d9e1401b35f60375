"""Where images lie: folders and files below a root, as data sets unpack (conf/data/div2k.yaml and its neighbours)."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from splatsr.data.images import Part, find_parts
from splatsr.errors import InputError


def images_in(places: str | Sequence[str | Path], root: str | None) -> list[Path]:
    """The images of one folder, or of a list of folders and image files, in that order; relative places lie below `root`.

    Raises:
        InputError: a folder does not exist or holds no image.
    """
    return [path for part in parts_in(places, root) for path in part.paths]


def parts_in(places: str | Sequence[str | Path], root: str | None) -> Iterator[Part]:
    """The same images, folder by folder; files that are named one by one and lie together are one part."""
    if isinstance(places, str):
        yield from find_parts(Path(root or "", places))
        return
    whole = [Path(root or "", place) for place in places]
    for (is_file, parent), group in itertools.groupby(whole, lambda place: (place.is_file(), place.parent)):
        if is_file:
            yield Part(parent, tuple(place.name for place in group))
        else:
            for place in group:
                yield from find_parts(place)


def check_tree(root: str | None, needed: Sequence[str], tree: Sequence[str]) -> None:
    """Only with a root: InputError unless every one of `needed` is there; it names what is missing of the whole `tree`."""
    if root is None or all(Path(root, place).exists() for place in needed):
        return
    missing = ", ".join(place for place in tree if not Path(root, place).exists())
    expected = ", ".join(f"{Path(root, place)}/<images>" for place in tree)
    raise InputError(f"{root} lacks {missing}; expected tree: {expected}. Set data.root=<the folder that holds it>.")
