"""Where images lie: folders and files below a root, as data sets unpack (conf/data/div2k.yaml and its neighbours)."""

from collections.abc import Sequence
from pathlib import Path

from splatsr.data.images import find_images
from splatsr.errors import InputError


def images_in(places: str | Sequence[str | Path], root: str | None) -> list[Path]:
    """The images of one folder, or of a list of folders and image files, in that order; relative places lie below `root`.

    Raises:
        InputError: a folder does not exist or holds no image.
    """
    if isinstance(places, str):
        return find_images(Path(root or "", places))
    whole = [Path(root or "", place) for place in places]
    return [image for place in whole for image in ([place] if place.is_file() else find_images(place))]


def check_tree(root: str | None, needed: Sequence[str], tree: Sequence[str]) -> None:
    """Only with a root: InputError unless every one of `needed` is there; it names what is missing of the whole `tree`."""
    if root is None or all(Path(root, place).exists() for place in needed):
        return
    missing = ", ".join(place for place in tree if not Path(root, place).exists())
    expected = ", ".join(f"{Path(root, place)}/<images>" for place in tree)
    raise InputError(f"{root} lacks {missing}; expected tree: {expected}. Set data.root=<the folder that holds it>.")
