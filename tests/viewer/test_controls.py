"""The page in use: pointer, wheel, pinch, keys, panel, link, theme, and what goes wrong."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chromium import Chromium, Page

pytestmark = pytest.mark.xdist_group("browser")  # one browser for the whole run


@pytest.fixture
def opened(tab: Page, shown: Any) -> Iterator[Page]:
    """The tests' page at x4, 100 output pixels right of the image's corner."""
    tab.open(shown.path / "float16.html", "x=60&y=30&zoom=4&split=0.5")
    yield tab


def state(page: Page) -> dict[str, Any]:
    return page.evaluate("splatsr.then((viewer) => viewer.state)")


def below(page: Page, x: float, y: float) -> tuple[float, float]:
    """The LR point that a pixel of the canvas shows."""
    now = state(page)
    return now["x"] + x / now["scale"], now["y"] + y / now["scale"]


def wait_until(page: Page, condition: str) -> None:
    until = time.monotonic() + 20
    while not page.evaluate(f"splatsr.then((viewer) => Boolean({condition}))"):
        assert time.monotonic() < until, condition
        time.sleep(0.02)


def level(page: Page, x: int, y: int) -> list[int]:
    """What is drawn at a pixel of the canvas."""
    return page.evaluate(f"splatsr.then((viewer) => (viewer.draw(), [...viewer.renderer.pixels({x}, {y}, 1, 1)]))")


def click(page: Page, identifier: str) -> None:
    page.evaluate(f"document.getElementById('{identifier}').click()")


def test_the_wheel_keeps_the_point_below_the_pointer(opened: Page) -> None:
    for x, y, turn in ((317, 101, -240), (211, 87, -400), (500, 99, 130), (640, 33, -90)):
        before, scale = below(opened, x, y), state(opened)["scale"]
        opened.mouse("mouseWheel", x, y, deltaX=0, deltaY=turn)
        wait_until(opened, f"viewer.state.scale !== {scale}")
        assert (state(opened)["scale"] > scale) == (turn < 0)
        assert below(opened, x, y) == pytest.approx(before, abs=1e-12, rel=1e-14)


def test_the_zoom_ends_at_half_and_at_two_hundred(opened: Page) -> None:
    opened.key("k")
    for turn, end in ((-400, 200), (400, 0.5)):
        for _ in range(8):
            opened.mouse("mouseWheel", 450, 200, deltaX=0, deltaY=turn)  # above the border, too
        wait_until(opened, f"viewer.state.scale === {end}")


def test_dragging_keeps_the_point_below_the_pointer(opened: Page) -> None:
    before = below(opened, 300, 100)
    opened.mouse("mousePressed", 300, 100, button="left", clickCount=1)
    for x, y in ((310, 95), (352, 133), (401, 140)):
        opened.mouse("mouseMoved", x, y, button="left")
        wait_until(opened, f"Math.abs(viewer.state.x + {x} / viewer.state.scale - {before[0]}) < 1e-9")
        assert below(opened, x, y) == pytest.approx(before, abs=1e-12, rel=1e-14)
    opened.mouse("mouseReleased", 401, 140, button="left", clickCount=1)
    rest = state(opened)
    opened.mouse("mouseMoved", 100, 100)
    assert state(opened) == rest


def test_two_fingers_pinch_about_their_middle(opened: Page) -> None:
    def touch(kind: str, *points: tuple[float, float]) -> None:
        opened.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in points])

    touch("touchStart", (300, 100), (400, 100))
    left, right = below(opened, 300, 100), below(opened, 400, 100)
    touch("touchMove", (250, 110), (450, 110))
    wait_until(opened, "Math.abs(viewer.state.scale - 8) < 1e-6")
    assert below(opened, 250, 110) == pytest.approx(left, abs=1e-9)
    assert below(opened, 450, 110) == pytest.approx(right, abs=1e-9)
    touch("touchEnd")


def test_keys_do_what_the_help_says(opened: Page) -> None:
    canvas = opened.evaluate("document.getElementById('canvas').focus()")
    assert canvas is None
    x = state(opened)["x"]
    opened.key("ArrowRight")
    assert state(opened)["x"] == pytest.approx(x + 20)
    for key, expected in (
        ("5", {"scale": 16}), ("]", {"split": 0.52}), ("k", {"kernels": False}), ("h", {"kernels": True, "coloring": 1}),
        ("p", {"published": True}), ("c", {"other": 1}), ("c", {"other": 2}), ("c", {"other": 3}), ("c", {"other": -1}),
    ):  # fmt: skip
        opened.key(key)
        now = state(opened)
        assert {name: now[name] for name in expected} == pytest.approx(expected)
    opened.key("n")
    wait_until(opened, "viewer.state.picture === 1 && viewer.state.other < 2")
    opened.key("0")
    now = state(opened)
    assert now["x"] + opened.evaluate("canvas.width") / 2 / now["scale"] == pytest.approx(48)
    opened.key("?")
    assert opened.evaluate("document.getElementById('keys').open")


def test_keys_are_left_to_the_controls_that_have_the_focus(opened: Page) -> None:
    opened.evaluate("document.getElementById('other').focus()")
    before = state(opened)
    opened.key("k")
    assert state(opened)["kernels"] == before["kernels"]


def test_the_border_is_a_slider_for_pointer_keys_and_screen_readers(opened: Page) -> None:
    width = opened.evaluate("canvas.clientWidth")
    opened.mouse("mousePressed", width / 2, 60, button="left", clickCount=1)
    opened.mouse("mouseMoved", width / 4, 70, button="left")
    opened.mouse("mouseReleased", width / 4, 70, button="left", clickCount=1)
    wait_until(opened, "Math.abs(viewer.state.split - 0.25) < 1e-9")
    opened.evaluate("document.getElementById('divider').focus()")
    opened.key("ArrowLeft")
    assert state(opened)["split"] == pytest.approx(0.23)
    wait_until(opened, "document.getElementById('divider').ariaValueNow === '23'")
    assert opened.evaluate("document.getElementById('divider').ariaValueText") == "Bicubic: the left 23 percent"
    opened.key("Home")
    assert state(opened)["split"] == 0


def test_everything_that_can_be_used_has_a_name(opened: Page) -> None:
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "checkbox", "combobox", "image")
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if node["role"]["value"] in roles]
    assert {role for role, _ in found} == set(roles)
    assert all(name for _, name in found), found


def test_the_panel_and_what_it_says(opened: Page) -> None:
    wait_until(opened, "document.getElementById('figures').textContent")
    figures = opened.evaluate("document.getElementById('figures').textContent")
    assert re.fullmatch(r"96x64 LR pixels, [\d.]+ ms a frame, 1\d\.\d kernels a pixel \(\d\d\.\d tried\)", figures)
    assert "photograph at 4.00 times" in opened.evaluate("document.getElementById('canvas').ariaLabel")
    click(opened, "published")
    assert state(opened)["published"]
    wait_until(opened, "document.getElementById('right').textContent.includes('published renderer')")
    click(opened, "in")
    assert state(opened)["scale"] == pytest.approx(6)
    click(opened, "one")
    assert state(opened)["scale"] == 1
    choices = opened.evaluate("[...document.getElementById('other').options].map((one) => one.text)")
    assert choices == ["nothing", "Bicubic", "Low-resolution pixels", "Original", "damped"]
    opened.evaluate("picture.value = 3; picture.dispatchEvent(new Event('change'))")
    wait_until(opened, "viewer.state.picture === 3 && document.getElementById('published').disabled")
    assert opened.evaluate("document.getElementById('right').textContent") == "scattered"


def test_a_link_keeps_the_position(opened: Page, shown: Any, browser: Chromium) -> None:
    opened.mouse("mouseWheel", 317, 101, deltaX=0, deltaY=-240)
    opened.key("p")
    click(opened, "link")
    before, link = state(opened), opened.evaluate("location.hash.slice(1)")
    other = browser.page()
    other.open(shown.path / "float16.html", link)
    assert state(other) == pytest.approx(before, abs=1e-4)
    for damaged in ("x=&y=&zoom=", "x=NaN&y=1&zoom=1e999", "picture=99&other=-5&coloring=x&split=7", "%%%", "zoom=-4&x=1&y=1"):
        other.evaluate(f"splatsr.then((viewer) => viewer.follow({damaged!r}))")
        now = state(other)
        assert 0.5 <= now["scale"] <= 200
        assert now["picture"] == 0
        assert 0 <= now["split"] <= 1
    assert other.errors == []
    other.close()


def test_the_picture_that_was_chosen_last_is_shown(opened: Page) -> None:
    """However long the one before takes; and `n` twice is two pictures on."""
    names = [opened.evaluate(f"splatsr.then((viewer) => viewer.pictures[{index}].name)") for index in (1, 2)]
    opened.evaluate(
        """splatsr.then((viewer) => {
            const load = viewer.load.bind(viewer);
            viewer.load = async (index) => {
                const made = await load(index);
                if (index === 1) await new Promise((resolve) => (window.release = resolve));
                return made;
            };
        })"""
    )
    opened.key("n")
    opened.key("n")
    wait_until(opened, "viewer.state.picture === 2 && window.release")
    opened.evaluate("window.release(), new Promise((resolve) => setTimeout(resolve, 50))")
    assert state(opened)["picture"] == 2
    assert opened.evaluate("splatsr.then((viewer) => viewer.shown.fields[0].name)") == names[1] != names[0]


def test_dark_and_light(opened: Page) -> None:
    opened.evaluate("splatsr.then((viewer) => viewer.centre(0, 0, 4))")
    seen = {}
    for _ in range(2):
        click(opened, "theme")
        theme = opened.evaluate("document.documentElement.dataset.theme")
        body = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        ground = level(opened, 3, 3)[:3]
        assert body == f"rgb({', '.join(map(str, ground))})"
        seen[theme] = sum(ground)
    assert seen["dark"] < 200 < 600 < seen["light"]


def test_a_lost_context_comes_back(opened: Page) -> None:
    before = level(opened, 700, 100)
    opened.evaluate("splatsr.then((viewer) => { window.loss = viewer.renderer.gl.getExtension('WEBGL_lose_context') })")
    opened.evaluate("loss.loseContext()")
    wait_until(opened, "viewer.lost")
    opened.evaluate("splatsr.then((viewer) => viewer.zoom(1))")
    opened.evaluate("loss.restoreContext()")
    wait_until(opened, "!viewer.lost")
    assert level(opened, 700, 100) == before
    assert sum(before[:3]) > 0


def test_a_canvas_of_another_size_is_never_seen_empty(opened: Page) -> None:
    """An observer of its size that comes after the page's own finds it drawn: what is there then is what is seen."""
    seen = opened.evaluate(
        """splatsr.then((viewer) => new Promise((resolve) => {
            new ResizeObserver(() => {
                if (canvas.width === 701) resolve([...viewer.renderer.pixels(350, 200, 1, 1)]);
            }).observe(canvas);
            canvas.style.width = "701px";
        }))"""
    )
    assert sum(seen[:3]) > 0
    assert seen == level(opened, 350, 200)


def test_without_webgl_it_is_one_sentence(tab: Page, shown: Any) -> None:
    tab.call(
        "Page.addScriptToEvaluateOnNewDocument",
        source="HTMLCanvasElement.prototype.getContext = () => null",
    )
    tab.open(shown.path / "float16.html")
    text = tab.evaluate("document.body.innerText").strip()
    assert text.startswith("This page draws with WebGL 2, which this browser does not offer")
    assert text.count(".") == 1


def test_a_damaged_page_says_so(tab: Page, shown: Any, tmp_path: Path) -> None:
    text = (shown.path / "float16.html").read_text()
    start = text.index(">", text.index('id="data0"')) + 2001
    (tmp_path / "damaged.html").write_text(text[:start] + "AAAABBBBCCCC" + text[start + 12 :])
    with pytest.raises(AssertionError):
        tab.open(tmp_path / "damaged.html")
    assert "This page cannot be shown" in tab.evaluate("document.body.innerText")
    tab.errors.clear()


def test_no_address_is_ever_asked_for(tab: Page, shown: Any) -> None:
    asked = []
    tab.call("Network.enable")
    hear = tab.browser.listeners[tab.session]
    tab.browser.listeners[tab.session] = lambda event: (
        asked.append(event["params"]["request"]["url"]) if event["method"] == "Network.requestWillBeSent" else hear(event)
    )
    tab.open(shown.path / "float16.html")
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert any(url.startswith("file:") for url in asked)


def test_the_driver_tells_errors(tab: Page) -> None:
    """Otherwise no test here could fail for one."""
    tab.evaluate("setTimeout(() => { throw new Error('thrown') }); console.error('written')")
    until = time.monotonic() + 10
    while len(tab.errors) < 2 and time.monotonic() < until:
        tab.evaluate("1")
    assert any("thrown" in one for one in tab.errors)
    assert any("written" in one for one in tab.errors)
    tab.errors.clear()
