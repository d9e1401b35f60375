"""`splatsr.view`: the page of `splatsr view`, from Python; a notebook shows it below its cell."""

import html
from pathlib import Path

from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image_files.reading import read_image
from splatsr.released.catalogue import DEFAULT
from splatsr.viewer.page import PRECISIONS, Subject, page_of
from splatsr.viewer.subjects import Others, is_field_file, subject_of_field, subjects_of_pictures


class Page:
    """A page: what a notebook shows, and `save` keeps.

    Args:
        text: the HTML.
        height: of what a notebook shows, pixels of the screen.
    """

    def __init__(self, text: str, height: int) -> None:
        self.text, self.height = text, height

    def __repr__(self) -> str:
        return f"Page({len(self.text) / 1e6:.1f} MB)"

    def _repr_html_(self) -> str:
        frame = f'style="width: 100%; height: {self.height}px; border: 0" title="A picture to zoom into"'
        return f'<iframe {frame} srcdoc="{html.escape(self.text)}"></iframe>'

    def save(self, path: str | Path) -> None:
        """Writes the page, in place of what is there; never half of it."""
        write_text(Path(path), self.text)


def view(shown: GaussianField | str | Path, *, model: str = DEFAULT, precision: str = "float16", height: int = 480) -> Page:
    """A page to zoom into a field, or into a picture that a model makes one of.

    Args:
        shown: a field, of which the first image is shown; or the path of a picture, or of a saved field.
        model: for a picture: a name, a file, or hf:owner/name.
        precision: of the kernels in the page: "float16", or "float32" (three times as large).
        height: of what a notebook shows, pixels of the screen.

    Raises:
        InputError: the precision is neither, the picture cannot be read, the model makes no kernels, or the field is too large
            for a page (docs/viewer.md).
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}.")
    others = Others([], [], [])
    if isinstance(shown, GaussianField):
        subjects = [Subject("field", [("field", shown)], None)]
    elif is_field_file(Path(shown)):
        subjects = [subject_of_field(Path(shown), others)]
    else:
        subjects = subjects_of_pictures([(Path(shown).name, read_image(shown))], model, 1, others, "auto")
    return Page(page_of(subjects, title=subjects[0].name, precision=precision), height)
