"""The page that runs the model itself, in a headless Chromium: no network, no server, from a file."""

import base64
import io
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from PIL import Image

import splatsr
from chromium import Chromium, Page
from splatsr.disk.user_cache import user_cache
from splatsr.image.field import GaussianField
from splatsr.resize.levels import to_uint8
from splatsr.viewer import network
from splatsr.viewer.encoding import field_of
from splatsr.viewer.network import network_of
from splatsr.viewer.page import Subject, page_of
from splatsr.viewer.runtime_files import ARCHIVE

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]  # one browser for the whole run

NEED = "neither npm nor its onnxruntime-web in the cache: the page that runs a model is not looked at"


@pytest.fixture(scope="module")
def model() -> splatsr.image.model.Model:
    return splatsr.load("tiny")


@pytest.fixture(scope="module")
def made(model: splatsr.image.model.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages without pictures, with tiles as they are and with tiles of 20 LR pixels; and one with a picture."""
    cache = user_cache()
    if shutil.which("npm") is None and not (cache is not None and (cache / ARCHIVE).is_file()):
        pytest.skip(NEED)
    folder = tmp_path_factory.mktemp("with-model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # sizes are tensors while a graph is traced
        carried = network_of(model, name="tiny", licence="CC-BY-SA-4.0")
    for tile in (network.TILE, 20):
        content = page_of([], title="t", network=carried._replace(facts={**carried.facts, "tile": tile}))
        (folder / f"{tile}.html").write_text(content, encoding="utf-8")
    lr = picture(24, 32)
    both = page_of([Subject("before", [("tiny", field_of(model, lr))], lr)], title="t", network=carried)
    (folder / "both.html").write_text(both, encoding="utf-8")
    return folder


@pytest.fixture
def opened(made: Path, browser: Chromium) -> Iterator[Page]:
    page = browser.page()
    start(page, made / f"{network.TILE}.html")
    yield page
    assert page.errors == []
    page.close()


def start(page: Page, path: Path) -> None:
    """Opens a page, and waits until its network is ready."""
    page.call("Page.navigate", url=path.as_uri())
    until = time.monotonic() + 60
    while not page.evaluate("Boolean(window.dropped) && document.readyState === 'complete'"):
        assert time.monotonic() < until
        time.sleep(0.05)
    page.evaluate("dropped.network.then(() => 1)")


def drop(page: Page, pixels: np.ndarray, name: str = "a.png") -> None:
    """Drops a picture onto the window, as a pointer would."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    page.evaluate(
        f"""{{
            const bytes = Uint8Array.from(atob("{base64.b64encode(file.getvalue()).decode()}"), (one) => one.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], {json.dumps(name)}, {{type: "image/png"}}));
            window.dispatchEvent(new DragEvent("drop", {{dataTransfer, cancelable: true}}));
        }}"""
    )


def wait_until(page: Page, condition: str) -> None:
    until = time.monotonic() + 60
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < until, condition
        time.sleep(0.01)


def shown(page: Page, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(places, colors) of the picture of that name, when it is there."""
    wait_until(page, f"dropped.shown?.name === {json.dumps(name)} && !document.getElementById('state').textContent")
    arrays = page.evaluate(
        """splatsr.then((viewer) => ["places", "colors"].map((what) => {
            const bytes = new Uint8Array(viewer.shown.fields[0][what].buffer);
            let text = "";
            for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
            return btoa(text);
        }))"""
    )
    places, colors = (np.frombuffer(base64.b64decode(one), np.float32).reshape(-1, 4) for one in arrays)
    return places, colors


def planes(field: GaussianField) -> tuple[np.ndarray, np.ndarray]:
    """What the page should hold of a field: centres from their cells' corners."""
    rows, columns = (2 * (side + 2 * field.margin) for side in field.size)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2) / 2 - field.margin
    means, cholesky, colors = (part[0].numpy() for part in (field.means, field.cholesky, field.colors))
    return (
        np.concatenate([means - cells, cholesky[:, :2]], 1),
        np.concatenate([cholesky[:, 2:], colors], 1),
    )


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def largest_difference(page: Page, name: str, model: splatsr.image.model.Model, pixels: np.ndarray) -> float:
    expected = planes(field_of(model, pixels))
    found = shown(page, name)
    assert [one.shape for one in found] == [one.shape for one in expected]
    return max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))


def test_a_dropped_picture_is_torchs_field_within_two_seconds(
    opened: Page, model: splatsr.image.model.Model, made: Path
) -> None:
    times = []
    for turn in range(3):
        pixels = picture(64, 96, turn)
        began = time.monotonic()
        drop(opened, pixels, f"{turn}.png")
        wait_until(opened, f"dropped.shown?.name === '{turn}.png'")
        times.append(time.monotonic() - began)
        assert largest_difference(opened, f"{turn}.png", model, pixels) < 1e-4
    waiting = max(os.getloadavg()[0] / (os.cpu_count() or 1), 1)  # where processes wait for a core, so does the page
    assert min(times) < 2 * waiting, f"the first, and again: {times}"
    assert (made / f"{network.TILE}.html").stat().st_size < 10e6


def test_what_is_drawn_is_the_field(opened: Page, model: splatsr.image.model.Model) -> None:
    pixels = picture(40, 50)
    drop(opened, pixels)
    shown(opened, "a.png")
    levels = opened.evaluate(
        """splatsr.then((viewer) => {
            Object.assign(viewer.canvas, {width: 120, height: 80});
            Object.assign(viewer.state, {x: 9.3, y: 7.1, scale: 4, split: 0, kernels: false});
            viewer.draw();
            return [...viewer.renderer.pixels()];
        })"""
    )
    window = field_of(model, pixels).window((7.1, 27.1), (9.3, 39.3))
    theirs = to_uint8(window.render(size=(80, 120))[0])
    off = np.abs(np.array(levels).reshape(80, 120, 4)[..., :3] - theirs.astype(int))
    assert off.max() <= 1
    assert (off > 0).mean() < 1e-3


@pytest.mark.parametrize("size", [(47, 61), (5, 90), (1, 1)])
def test_tiles_leave_no_seams(made: Path, browser: Chromium, model: splatsr.image.model.Model, size: tuple[int, int]) -> None:
    page = browser.page()
    start(page, made / "20.html")
    pixels = picture(*size)
    drop(page, pixels)
    assert largest_difference(page, "a.png", model, pixels) < 1e-4
    assert page.errors == []
    page.close()


def test_the_last_of_several_is_shown_in_the_place_of_the_first(opened: Page, model: splatsr.image.model.Model) -> None:
    drop(opened, picture(30, 30), "first.png")
    shown(opened, "first.png")
    drop(opened, picture(150, 230), "large.png")
    last = picture(20, 24, 1)
    drop(opened, last, "last.png")
    assert largest_difference(opened, "last.png", model, last) < 1e-4
    time.sleep(0.3)
    assert opened.evaluate("splatsr.then((viewer) => viewer.pictures.map((one) => one.name))") == ["last.png"]
    assert (
        opened.evaluate("splatsr.then((viewer) => [...viewer.renderer.uploads.keys()].filter((key) => /dropped1/.test(key)))")
        == []
    )


def test_it_comes_beside_the_pages_own_pictures(made: Path, browser: Chromium, model: splatsr.image.model.Model) -> None:
    page = browser.page()
    start(page, made / "both.html")
    assert page.evaluate("splatsr.then((viewer) => [viewer.pictures.length, viewer.shown.size[1]])") == [1, 32]
    for turn in range(2):
        pixels = picture(10, 12, turn)
        drop(page, pixels, f"{turn}.png")
        assert largest_difference(page, f"{turn}.png", model, pixels) < 1e-4
        named = page.evaluate("[...document.getElementById('picture').options].map((one) => one.text)")
        assert named == ["before", f"{turn}.png"]
    assert page.errors == []
    page.close()


def test_transparent_parts_lie_on_white(opened: Page, model: splatsr.image.model.Model) -> None:
    pixels = np.zeros((12, 16, 4), np.uint8)
    pixels[:, 8:] = (90, 120, 30, 255)
    drop(opened, pixels)
    flat = np.where(pixels[..., 3:] == 255, pixels[..., :3], 255).astype(np.uint8)
    assert largest_difference(opened, "a.png", model, flat) < 1e-4


def test_what_cannot_be_shown_is_said(opened: Page) -> None:
    opened.evaluate("dropped.take(new File(['no picture'], 'notes.txt'))")
    wait_until(opened, "document.getElementById('state').textContent.startsWith('notes.txt cannot be shown: ')")
    opened.evaluate("dropped.facts.largest = 99")
    drop(opened, picture(10, 10))
    wait_until(opened, "document.getElementById('state').textContent.startsWith('a.png cannot be shown: 10x10 pixels are too')")


def test_what_is_no_picture_leaves_the_one_in_work_alone(opened: Page) -> None:
    drop(opened, picture(150, 230), "large.png")
    wait_until(opened, "document.getElementById('state').textContent.endsWith('%')")
    opened.evaluate("dropped.take(new File(['none'], 'notes.txt'))")
    wait_until(opened, "/%.*notes.txt cannot be shown: /.test(document.getElementById('state').textContent)")
    wait_until(opened, "dropped.shown?.name === 'large.png' && document.getElementById('share').hidden")
    assert re.fullmatch(r"notes\.txt cannot be shown: [^.]+\.", opened.evaluate("document.getElementById('state').textContent"))
    drop(opened, picture(10, 10), "next.png")
    shown(opened, "next.png")
    assert opened.evaluate("document.getElementById('state').textContent") == ""


def test_refusals_are_said_whichever_picture_is_read_first(opened: Page) -> None:
    """Of a picture that takes long to read, and of one that came after it."""
    opened.evaluate(
        """{
            const real = createImageBitmap;
            window.createImageBitmap = async (file, options) => {
                if (file.name?.startsWith("slow")) await new Promise((resolve) => (window.release = resolve));
                return real(file, options);
            };
        }"""
    )
    drop(opened, picture(10, 10), "slow.png")
    opened.evaluate("dropped.take(new File(['none'], 'notes.txt'))")
    opened.evaluate("window.release()")
    wait_until(opened, "dropped.shown?.name === 'slow.png' && document.getElementById('share').hidden")
    assert opened.evaluate("document.getElementById('state').textContent").startswith("notes.txt cannot be shown: ")
    opened.evaluate("void dropped.take(new File(['none'], 'slow.txt'))")
    drop(opened, picture(10, 12), "quick.png")
    shown(opened, "quick.png")
    opened.evaluate("window.release()")
    wait_until(opened, "document.getElementById('state').textContent.startsWith('slow.txt cannot be shown: ')")
    assert opened.evaluate("dropped.shown.name") == "quick.png"


def test_the_same_file_can_be_chosen_again(opened: Page, tmp_path: Path) -> None:
    Image.fromarray(picture(10, 10)).save(tmp_path / "a.png")
    node = opened.call("Runtime.evaluate", expression="document.getElementById('file')")["result"]["objectId"]
    opened.call("DOM.setFileInputFiles", files=[str(tmp_path / "a.png")], objectId=node)
    shown(opened, "a.png")
    assert opened.evaluate("document.getElementById('file').files.length") == 1
    opened.evaluate("document.getElementById('file').dispatchEvent(new MouseEvent('click'))")  # before the dialogue is there
    assert opened.evaluate("document.getElementById('file').files.length") == 0


def test_without_webgl_it_says_so_before_any_picture_is_asked_for(made: Path, browser: Chromium) -> None:
    page = browser.page()
    page.call("Page.addScriptToEvaluateOnNewDocument", source="HTMLCanvasElement.prototype.getContext = () => null")
    page.open(made / "20.html")
    text = page.evaluate("document.body.innerText").strip()
    assert re.fullmatch(r"This page draws with WebGL 2, which this browser does not offer[^.]*\.", text)
    assert page.errors == []
    page.close()


def test_the_page_carries_licences_and_may_ask_for_nothing(made: Path) -> None:
    text = (made / "20.html").read_text(encoding="utf-8")
    assert "Copyright (c) Microsoft Corporation" in text
    assert "Licence of its weights: CC-BY-SA-4.0" in text
    (policy,) = [line for line in text.splitlines() if "Content-Security-Policy" in line]
    assert "default-src 'none'" in policy
    assert "http" not in policy.replace("http-equiv", "")
