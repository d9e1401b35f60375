"""Writes docs/photographs.html: four photographs as continuous images, in one page to zoom into.

    python benchmarks/gallery.py      # make docs runs it; the page is not kept in the repository

The photographs come along, and the model in the box was trained on none of them. They are made four times smaller, so that the
originals can be seen beside them.
"""

from section import HERE
from splatsr.commands.view import view
from splatsr.data.photos import held_out_photographs, training_photographs

NAMES = ("china", "astronaut", "chelsea", "coffee")


def main() -> None:
    known = {path.stem: path for path in [*training_photographs(), *held_out_photographs()["photos"]]}
    page = HERE.parent / "docs" / "photographs.html"
    view([*(str(known[name]) for name in NAMES), "--reduce", "4", "-o", str(page), "--existing", "overwrite"])


if __name__ == "__main__":
    main()
