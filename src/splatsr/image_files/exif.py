"""EXIF: read in one place, and brought up to date for a picture of another size."""

from pathlib import Path

from PIL import Image
from PIL.ExifTags import IFD

from splatsr.image_files.one_line import say_once
from splatsr.image_files.orientation import TAG

_OF_THE_FILE = frozenset(
    {TAG, *range(254, 260), 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, *range(322, 326), 330, 338, 339}
    | {347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532, 700, 34675}
)
"""TIFF tags of the file's own layout, of resolution and orientation, and the profile, which is kept by itself."""

_WIDTH, _HEIGHT = 0xA002, 0xA003
"""ExifImageWidth and ExifImageHeight."""


def exif_of(content: bytes, path: Path) -> Image.Exif:
    """Of an EXIF block, with or without "Exif" before it; empty, with a line in the log, where it cannot be read."""
    exif = Image.Exif()
    if content:
        try:
            exif.load(content)
        except Exception as error:  # as many kinds as there are ways to be damaged
            say_once(f"{path}: its EXIF is damaged and left out ({error}).")
            return Image.Exif()
    return exif


def exif_to_keep(exif: Image.Exif, path: Path) -> Image.Exif:
    """A copy for another file: without orientation, layout, resolution and thumbnail; empty where it cannot be written.

    Pixel sizes are left out too; `with_size` sets those of the picture that is made.
    """
    kept = Image.Exif()
    try:
        kept.update({tag: exif[tag] for tag in exif if tag not in _OF_THE_FILE and tag not in (IFD.Exif, IFD.GPSInfo)})
        for tag in (IFD.Exif, IFD.GPSInfo):
            if content := exif.get_ifd(tag):
                own = {key: value for key, value in content.items() if key not in (_WIDTH, _HEIGHT)}
                own.pop(IFD.Interop, None)  # a place in the old file
                kept.get_ifd(tag).update(own)
        kept.tobytes()
    except Exception as error:  # as many kinds as there are ways to be damaged
        say_once(f"{path}: its EXIF is damaged and left out ({error}).")
        return Image.Exif()
    return kept


def is_empty(exif: Image.Exif) -> bool:
    """Whether there is nothing to write."""
    return exif.tobytes() == Image.Exif().tobytes()


def with_size(exif: Image.Exif, size: tuple[int, int]) -> Image.Exif:
    """The same with the (height, width) in pixels of the picture it goes with; still empty where it was."""
    if not is_empty(exif):
        exif.get_ifd(IFD.Exif).update({_WIDTH: size[1], _HEIGHT: size[0]})
    return exif
