"""Times the page of `splatsr view` in a headless Chromium without a GPU: frames, opening, and a model that runs in it.

    python benchmarks/viewer.py                       # two minutes, on an idle machine; needs Chromium
    python benchmarks/viewer.py --kodak <folder>      # also how large pages of its photographs are, at half their size

Frames are of 512x512 output pixels, drawn and waited for, by SwiftShader, a GPU's stand-in on the processor: medians of 9.
Opening is from the command to navigate until the picture is shown. Writes its section of docs/viewer.md and
benchmarks/results/viewer.json.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import splatsr
from section import HERE, figure, write_results, write_section
from splatsr.data.photos import held_out_photographs
from splatsr.errors import InputError
from splatsr.image_files.reading import read_image
from splatsr.resize.pil import resize_bicubic
from splatsr.viewer.encoding import field_of
from splatsr.viewer.network import network_of
from splatsr.viewer.page import Subject, page_of

sys.path[:0] = [str(HERE.parent / "tests" / "viewer"), str(HERE.parent / "tests")]

from test_with_model import drop, picture, shown, start  # noqa: E402

from chromium import Page, chromium, find_chromium  # noqa: E402 - they drive the tests' browser
from conftest import wide_field  # noqa: E402

PAGE, MEASURED = HERE.parent / "docs" / "viewer.md", 9

FRAMES = """splatsr.then(async (viewer) => {
    if (%(picture)d !== viewer.state.picture) await viewer.choose(%(picture)d);
    Object.assign(viewer.canvas, {width: 512, height: 512});
    Object.assign(viewer.state, {scale: %(scale)d, x: %(x)f, y: %(y)f, split: 0, kernels: %(kernels)s, published: false});
    const times = [];
    for (let count = 0; count < %(count)d; ++count) {
        const began = performance.now();
        viewer.draw();
        viewer.renderer.pixels(0, 0, 1, 1);
        times.push(performance.now() - began);
    }
    return times.slice(2);
})"""


def frame(page: Page, number: int, scale: int, size: tuple[int, int], kernels: str = "false") -> float:
    """Milliseconds of a frame in the middle of a picture of (h, w) LR pixels; `kernels`: whether their ellipses are drawn."""
    x, y = (side / 2 - 256 / scale for side in (size[1], size[0]))
    values = {"picture": number, "scale": scale, "x": x, "y": y, "count": MEASURED + 2, "kernels": kernels}
    return statistics.median(page.evaluate(FRAMES % values))


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def lr_of(size: tuple[int, int]) -> np.ndarray:
    """A held-out photograph at that size."""
    return np.array(resize_bicubic(read_image(held_out_photographs()["photos"][1])[:384, :576], size))


def frames_and_opening(page: Page, folder: Path) -> list[tuple[str, float, str]]:
    model = splatsr.load("tiny")
    model.continue_images()
    sizes, rows = ((64, 96), (256, 384)), []
    lr = [lr_of(size) for size in sizes]
    subjects = [Subject(f"{one.shape[1]}x{one.shape[0]}", [("tiny", field_of(model, one))], one) for one in lr]
    torch.manual_seed(0)
    subjects.append(Subject("wide", [("wide", wide_field())], None))
    path = folder / "page.html"
    path.write_text(page_of(subjects, title="pages"), encoding="utf-8")
    page.open(path)
    for number, (name, size) in enumerate([(subjects[0].name, sizes[0]), (subjects[1].name, sizes[1]), ("wide", sizes[0])]):
        title = "96x64 with twenty kernels of sigma 3" if name == "wide" else f"photograph of {name} LR pixels"
        rows += [(f"frame at x{scale}, {title}", frame(page, number, scale, size), "ms") for scale in (4, 40)]
    rows.append(
        (
            f"frame at x40, photograph of {subjects[0].name} LR pixels and its kernels' ellipses",
            frame(page, 0, 40, sizes[0], "true"),
            "ms",
        )
    )
    large = folder / "large.html"
    large.write_text(page_of(subjects[1:2], title="large"), encoding="utf-8")
    times = []
    for _ in range(5):
        page.call("Page.navigate", url="about:blank")  # or the file would not be read again
        times.append(seconds(lambda: page.open(large)))
    rows.append((f"opening the page of {subjects[1].name}, {large.stat().st_size / 1e6:.1f} MB", statistics.median(times), "s"))
    return rows


def with_model(page: Page, folder: Path) -> list[tuple[str, float, str]]:
    """A dropped picture, from the drop to its field."""
    try:
        network = network_of(splatsr.load("tiny").eval(), name="tiny", licence="CC-BY-SA-4.0")
    except InputError as error:
        print(f"left out: {error}")
        return []
    path = folder / "with_model.html"
    path.write_text(page_of([], title="drop", network=network), encoding="utf-8")
    times = []
    loading = seconds(lambda: start(page, path))
    for turn in range(5):
        drop(page, picture(64, 96, turn), f"{turn}.png")
        times.append(seconds(lambda name=f"{turn}.png": shown(page, name)))
    return [
        (f"opening the page that carries the model, {path.stat().st_size / 1e6:.1f} MB", loading, "s"),
        ("96x64 pixels dropped into it, the first", times[0], "s"),
        ("the same, further ones", statistics.median(times[1:]), "s"),
    ]


def page_sizes(kodak: Path) -> list[float]:
    """MB of the pages of a folder's photographs at half their size."""
    model = splatsr.load("tiny")
    model.continue_images()
    sizes = []
    for file in sorted(kodak.iterdir()):
        if file.suffix == ".png":
            lr = np.asarray(Image.open(file).convert("RGB").reduce(2))
            sizes.append(len(page_of([Subject("a", [("tiny", field_of(model, lr))], lr)], title="a")) / 1e6)
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description="Times the page of splatsr view; writes a section of docs/viewer.md.")
    parser.add_argument("--kodak", type=Path, help="folder of photographs of 768x512 pixels")
    kodak = parser.parse_args().kodak
    if (program := find_chromium()) is None:
        raise SystemExit("there is no Chromium here.")
    with tempfile.TemporaryDirectory() as temporary, chromium(program) as browser:
        page = browser.page()
        rows = [*frames_and_opening(page, Path(temporary)), *with_model(page, Path(temporary))]
        assert page.errors == [], page.errors
    if kodak is not None:
        sizes = page_sizes(kodak)
        rows += [
            (f"page of a photograph of 384x256 LR pixels, {what} of {len(sizes)}", of(sizes), "MB")
            for what, of in (("median", statistics.median), ("smallest", min), ("largest", max))
        ]
    command = "python benchmarks/viewer.py" + (f" --kodak {kodak.name}" if kodak else "")
    made = write_results("viewer", command, rows=rows)
    lines = [f"| {what} | {figure(value)} {unit} |" for what, value, unit in rows]
    write_section("viewer", "\n".join([f"{made}.", "", "| what | |", "|---|---:|", *lines]), PAGE)


if __name__ == "__main__":
    main()
