"""How results are called that are made of image files, and in which format they are written."""

from pathlib import Path
from typing import Any, NamedTuple

from splatsr.errors import InputError
from splatsr.image_files.formats import WRITTEN


class Naming(NamedTuple):
    """How results are called whose names are not given one by one.

    Attributes:
        suffix: added to the image's name, before its ending.
        format: their ending without the dot (png, jpg, ...); None: the image's own, or png where that is not written.
    """

    suffix: str = ""
    format: str | None = None

    def name(self, path: Path) -> Path:
        """Of the result of an image; photo.png of photo.png unless something else is wanted, a.gif.png of a.gif."""
        if self.format is not None:
            return path.with_name(f"{path.stem}{self.suffix}.{self.format}")
        named = path.with_name(f"{path.stem}{self.suffix}{path.suffix}")
        return named if path.suffix.lower() in WRITTEN else named.with_name(f"{named.name}.png")


def check_format(wanted: Any) -> None:
    """InputError unless it is None or a format that is written."""
    if wanted is not None and f".{wanted}" not in WRITTEN:
        known = " ".join(sorted(suffix[1:] for suffix in WRITTEN))
        raise InputError(f"format must be one of {known}; got {wanted}.")
