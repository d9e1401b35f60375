"""Drawings as files, whole or not there at all; and names of files, sets and runs as they stand in drawings."""

from pathlib import Path

from matplotlib.figure import Figure

from splatsr.disk.whole_file import whole_file
from splatsr.image_files.one_line import one_line


def as_label(text: object) -> str:
    """str(text) on one line, with dollars that are no formula."""
    return one_line(text).replace("$", r"\$")


def save_drawing(figure: Figure, path: Path, *, dpi: int) -> None:
    """Writes a PNG of so many dots per inch; InputError where it cannot be written."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=dpi)
