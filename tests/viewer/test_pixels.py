"""What the page draws is what `GaussianField.render` and Pillow do, seen through a headless Chromium."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chromium import Chromium, Page
from splatsr.image.field import GaussianField
from splatsr.resize.levels import to_uint8

pytestmark = pytest.mark.xdist_group("browser")  # one browser for the whole run

NAMES = ("photograph", "stress", "wide", "scattered", "footprint")
"""Pictures of the tests' page, in order."""

VIEWS = {
    1: (3.3, 2.7, 80, 56),
    2.5: (7.123, 5.9, 120, 80),
    4: (11.37, 30.21, 120, 80),
    12: (60.09, 1.77, 120, 80),
    40: (91.03, 60.013, 120, 90),
    200: (41.7003, 33.3331, 120, 80),
}
"""At a scale: the view's corner in LR pixels, width and height in output pixels; all within 96x64 LR pixels."""

PIXELS = (Path(__file__).parent / "pixels.js").read_text()

PLAIN = {"kernels": False, "published": False, "split": 0}


@pytest.fixture(scope="module", params=["float32", "float16"])
def page(request: pytest.FixtureRequest, browser: Chromium, shown: Any) -> Iterator[tuple[Page, str]]:
    page = browser.page()
    page.open(shown.path / f"{request.param}.html")
    yield page, request.param
    assert page.errors == []
    page.close()


def answered(page: Page, **state: Any) -> dict[str, Any]:
    """What pixels.js says of a state."""
    return page.evaluate(f"splatsr.then((viewer) => (\n{PIXELS})(viewer, {json.dumps({**PLAIN, **state})}))")


def drawn(page: Page, **state: Any) -> np.ndarray:
    """RGB levels of a state on a canvas of a size."""
    answer = answered(page, **state)
    levels = np.frombuffer(base64.b64decode(answer["levels"]), np.uint8)
    return levels.reshape(state["height"], state["width"], 4)[..., :3]


def at(scale: float, **more: Any) -> dict[str, Any]:
    """The state of one of `VIEWS`."""
    x, y, width, height = VIEWS[scale]
    return {"x": x, "y": y, "scale": scale, "width": width, "height": height, **more}


def rendered(field: GaussianField, scale: float) -> np.ndarray:
    x, y, width, height = VIEWS[scale]
    window = field.window((y, y + height / scale), (x, x + width / scale))
    return to_uint8(window.render(size=(height, width))[0])


def differences(ours: np.ndarray, theirs: np.ndarray) -> tuple[int, float]:
    """(The largest in levels, the share of values that differ)."""
    off = np.abs(ours.astype(int) - theirs)
    return int(off.max()), float((off > 0).mean())


@pytest.mark.parametrize("name", ["photograph", "stress"])
def test_a_view_is_what_the_field_renders(page: tuple[Page, str], shown: Any, name: str) -> None:
    """At most a level off, everywhere."""
    for scale in VIEWS:
        ours, theirs = drawn(page[0], **at(scale, picture=NAMES.index(name))), rendered(shown.fields[name], scale)
        assert theirs.std() > 2
        largest, share = differences(ours, theirs)
        assert largest <= 1
        assert share < (1e-3 if page[1] == "float32" else 0.05), scale


@pytest.mark.parametrize(("name", "scale"), [("wide", 1), ("wide", 12), ("scattered", 2.5), ("scattered", 40)])
def test_so_are_fields_with_wide_kernels_and_without_a_grid(
    page: tuple[Page, str], shown: Any, name: str, scale: float
) -> None:
    field = shown.fields[name]
    known = field.select(field.means.isfinite().all(-1)[0])
    largest, share = differences(drawn(page[0], **at(scale, picture=NAMES.index(name))), rendered(known, scale))
    assert largest <= 1
    assert share < (2e-3 if page[1] == "float32" else 0.05)


def test_smaller_than_the_picture_and_beyond_its_border(page: tuple[Page, str], shown: Any) -> None:
    for name, scale in (("photograph", 0.5), ("footprint", 4), ("photograph", 3)):
        field = shown.fields[name]
        whole = to_uint8(field.render(scale=scale)[0])
        height, width = (side + 12 for side in whole.shape[:2])
        view = {"x": -6 / scale, "y": -6 / scale, "scale": scale, "width": width, "height": height}
        ours = drawn(page[0], picture=NAMES.index(name), **view)
        largest, share = differences(ours[6:-6, 6:-6], whole)
        assert largest <= 1
        assert share < (2e-3 if page[1] == "float32" else 0.05)
        around = np.concatenate([ours[:6].reshape(-1, 3), ours[-6:].reshape(-1, 3), ours[:, :6].reshape(-1, 3)])
        assert len(np.unique(around, axis=0)) == 1


@pytest.mark.parametrize("scale", [0.5, 1, 1.7, 2.5, 4, 12, 200])
def test_bicubic_is_pillows(page: tuple[Page, str], shown: Any, scale: float) -> None:
    x, y, width, height = (2.3, 1.9, 44, 30) if scale < 1 else VIEWS.get(scale, (7.123, 5.9, 120, 80))
    view = {"x": x, "y": y, "scale": scale, "width": width, "height": height}
    box = (x, y, x + width / scale, y + height / scale)
    theirs = np.asarray(Image.fromarray(shown.lr).resize((width, height), Image.Resampling.BICUBIC, box))
    largest, share = differences(drawn(page[0], picture=0, other=0, split=1, **view), theirs)
    assert largest <= 1
    assert share < 0.02


def test_what_is_compared_lies_where_the_field_does(page: tuple[Page, str], shown: Any) -> None:
    """Squares of the LR image, the original (4 times as large), and the other field, each at the left of a border."""
    view = {"x": 8, "y": 4, "scale": 4, "width": 120, "height": 80, "picture": 0}
    squares = drawn(page[0], other=1, split=1, **view)
    assert (squares == shown.lr[4:24, 8:38].repeat(4, 0).repeat(4, 1)).all()
    assert (drawn(page[0], other=2, split=1, **view) == shown.original[16:96, 32:152]).all()
    both, field = drawn(page[0], other=3, split=0.25, **view), drawn(page[0], **view)
    window = shown.fields["damped"].window((4, 24), (8, 38))
    assert differences(both[:, :30], to_uint8(window.render(size=(80, 120))[0])[:, :30])[0] <= 1
    assert (both[:, 30:] == field[:, 30:]).all()
    assert (drawn(page[0], other=-1, split=0.25, **view) == field).all()


@pytest.mark.parametrize("scale", [1, 1.5, 2.5, 4])
@pytest.mark.parametrize("name", ["photograph", "wide"])
def test_the_published_renderers_stripes_come_and_go(page: tuple[Page, str], shown: Any, name: str, scale: float) -> None:
    """Its tiles lie on the image's own pixels; a kernel whose box ends at a tile may fall on either side of it."""
    field = shown.fields[name]
    field = field.select(field.means.isfinite().all(-1)[0])
    part = (int(40 * scale), int(70 * scale))
    theirs = to_uint8(field.render(scale=scale, mode="first256")[0])[: part[0], : part[1]]
    view = {"x": 0, "y": 0, "scale": scale, "width": part[1], "height": part[0], "picture": NAMES.index(name)}
    ours = drawn(page[0], published=True, **view)
    off = np.abs(ours.astype(int) - theirs)
    assert (off > 1).mean() < 2e-3
    dark = np.abs(drawn(page[0], **view).astype(int) - ours).max(-1) > 40
    assert (dark.mean() > 0.2) == (scale < 2)
    shifted = drawn(page[0], published=True, **{**view, "x": 8 / scale, "width": part[1] - 8})
    assert (np.abs(shifted.astype(int) - ours[:, 8:]) > 1).mean() < 2e-3  # moved with the image


def test_kernels_are_drawn_where_they_are(page: tuple[Page, str], shown: Any) -> None:
    """At x64 an ellipse's line goes through centre + L (cos, sin); at x4 there is none."""
    field, scale, (x, y) = shown.fields["photograph"], 64, (30.2, 20.1)
    view = {"x": x, "y": y, "scale": scale, "width": 200, "height": 160, "picture": 0}
    plain = drawn(page[0], **view)
    for coloring in range(3):
        changed = np.abs(drawn(page[0], **{**view, "kernels": True, "coloring": coloring}).astype(int) - plain).max(-1) > 12
        assert 0.1 < changed.mean() < 0.9
    means, rows = field.means[0].numpy(), field.cholesky[0].numpy()
    for turn in np.linspace(0, 6, 7):
        points = means + np.stack([rows[:, 0] * np.cos(turn), rows[:, 1] * np.cos(turn) + rows[:, 2] * np.sin(turn)], 1)
        pixels = np.floor((points - [x, y]) * scale).astype(int)
        pixels = pixels[((pixels >= 0) & (pixels < [200, 160])).all(1)]
        assert len(pixels) > 20
        assert changed[pixels[:, 1], pixels[:, 0]].mean() > 0.9
    small = {**view, "scale": 4}
    assert (drawn(page[0], **{**small, "kernels": True}) == drawn(page[0], **small)).all()


def test_work_for_a_pixel_does_not_grow_with_outliers_or_the_image(page: tuple[Page, str]) -> None:
    """Kernels that are tried, of which some ten contribute; what is in the tail is tried everywhere."""
    counts = {}
    for name in ("photograph", "wide"):
        counts[name] = answered(page[0], **at(12, picture=NAMES.index(name)))
    assert 8 < counts["photograph"]["counted"] < 16
    assert counts["photograph"]["tried"] < 22
    assert counts["wide"]["tried"] < 22 + 20


def over(picture: np.ndarray, color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return color * alpha[..., None] + picture * (1 - alpha[..., None])


def outlined(field: GaussianField, picture: np.ndarray, x: float, y: float, scale: float) -> np.ndarray:
    """A picture with cells of half an LR pixel over it, then every kernel, colored by channel; all of them fully faded in."""
    thick, (height, width) = 1.2, picture.shape[:2]
    columns, rows = np.meshgrid(x + (np.arange(width) + 0.5) / scale, y + (np.arange(height) + 0.5) / scale)

    def lines(side: float) -> np.ndarray:
        away = np.minimum(*(np.abs((at / side + 0.5) % 1 - 0.5) * scale * side for at in (columns, rows)))
        return (thick / 2 + 0.5 - away).clip(0, 1)

    picture = over(picture, np.full(3, 127.5), np.maximum(0.8 * lines(1), 0.35 * lines(0.5)))
    parts = (part[0].double().numpy() for part in (field.means, field.cholesky, field.colors))
    for centre, (l11, l21, l22), color in zip(*parts, strict=True):
        if l11 * l22 == 0 or not x - 3 < centre[0] < x + width / scale + 3 or not y - 3 < centre[1] < y + height / scale + 3:
            continue
        dx, dy = columns - centre[0], rows - centre[1]
        u = dx / l11
        t = (dy - l21 * u) / l22
        radius = np.hypot(u, t).clip(1e-4)
        slope = np.hypot(u - t * l21 / l22, t * l11 / l22) / np.abs(l11 * radius)
        line, dot = np.abs(radius - 1) * scale / slope, scale * np.hypot(dx, dy)
        near = radius <= 2
        dark, bright = (
            near * np.maximum((thick / 2 + more - line).clip(0, 1), (1.6 * thick + more - dot).clip(0, 1))
            for more in (1.5, 0.5)
        )
        seen = color.clip(0) / max(color.max(), 1e-3)
        shade = np.array([1, 0.1, 0.1]) if color.min() < 0 else 0.15 + 0.85 * seen
        picture = over(over(picture, np.zeros(3), 0.45 * dark * (1 - bright)), 255 * shade, bright)
    return picture


@pytest.mark.parametrize("name", ["photograph", "stress"])
@pytest.mark.parametrize("scale", [64, 111.3])
def test_every_kernel_is_outlined(page: tuple[Page, str], shown: Any, name: str, scale: float) -> None:
    """As drawn one by one; the canvas rounds after each, and floats end elsewhere at the lines' edges."""
    view = {"picture": NAMES.index(name), "x": 41.3, "y": 20.7, "scale": scale, "width": 121, "height": 83}
    plain = drawn(page[0], **view)
    ours = drawn(page[0], kernels=True, coloring=2, **view)
    theirs = outlined(shown.fields[name], plain.astype(float), view["x"], view["y"], scale)
    off = np.abs(ours - theirs)
    assert off.mean() < 1
    assert (off > 6).mean() < 5e-3
    assert np.abs(ours.astype(int) - plain).mean() > 10


@pytest.mark.parametrize("name", ["wide", "scattered"])
def test_those_of_the_tail_are_outlined_too(page: tuple[Page, str], shown: Any, name: str) -> None:
    """Far from their cells, or much wider than the others: there is a line at every kernel's end of its first axis."""
    field = shown.fields[name]
    view = {"picture": NAMES.index(name), "x": 0, "y": 0, "scale": 48, "width": 480, "height": 360}
    changed = np.abs(drawn(page[0], kernels=True, **view).astype(int) - drawn(page[0], **view)).max(-1) > 12
    ends = field.means[0] + field.cholesky[0, :, :2]
    pixels = np.floor(ends[ends.isfinite().all(1)].numpy() * 48).astype(int)
    pixels = pixels[((pixels >= 0) & (pixels < [480, 360])).all(1)]
    assert len(pixels) > 10
    assert changed[pixels[:, 1], pixels[:, 0]].mean() > 0.9
