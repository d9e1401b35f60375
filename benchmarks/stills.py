"""Draws docs/zoom.jpg: the page of a photograph, opened in a headless Chromium, at two zooms beside each other.

    python benchmarks/stills.py

The photograph comes along, and the model in the box was not trained on it; it is made four times smaller, and enlarged again.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from section import HERE
from splatsr.commands.view import view
from splatsr.data.photos import held_out_photographs

sys.path.insert(0, str(HERE.parent / "tests"))

from chromium import chromium, find_chromium  # noqa: E402 - it drives the tests' browser

LINKS = ("zoom=8&x=52&y=28&split=0.5", "zoom=40&x=50&y=25.5&split=0.001&kernels=1")
"""Of the page: zoom, the middle of what is seen in LR pixels, and where the slider stands."""

SIZE = (720, 480)


def main() -> None:
    program = find_chromium()
    if program is None:
        raise SystemExit("there is no Chromium here to open the page with.")
    photograph = next(path for path in held_out_photographs()["photos"] if path.stem == "astronaut")
    stills = []
    with tempfile.TemporaryDirectory() as folder, chromium(program, f"--window-size={SIZE[0]},{SIZE[1]}") as browser:
        page = Path(folder) / "page.html"
        view([str(photograph), "--reduce", "4", "-o", str(page)])
        for link in LINKS:
            tab = browser.page()
            tab.open(page, link)
            stills.append(Image.open(io.BytesIO(tab.screenshot())).convert("RGB"))
            if tab.errors:
                raise SystemExit(f"the page says: {tab.errors}")
            tab.close()
    both = Image.new("RGB", (sum(still.width for still in stills) + 8, stills[0].height), "white")
    both.paste(stills[0], (0, 0))
    both.paste(stills[1], (stills[0].width + 8, 0))
    both.save(HERE.parent / "docs" / "zoom.jpg", quality=88)


if __name__ == "__main__":
    main()
