"""Drawings as files: whole, or not there at all."""

from pathlib import Path

from matplotlib.figure import Figure

from splatsr.disk.whole_file import whole_file


def save_drawing(figure: Figure, path: Path, *, dpi: int) -> None:
    """Writes a PNG of so many dots per inch; InputError where it cannot be written."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=dpi)
