import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from splatsr import InputError
from splatsr.commands import serve as command
from splatsr.commands.serve import build_page, enlarge, serve
from splatsr.image_files.reading import image_size


class Part:
    """A stand-in for every component of gradio: a context manager that remembers what it was made with."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.arguments, self.options, self.clicks, self.launched = arguments, options, [], {}

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def click(self, function: Any, inputs: list, outputs: list) -> None:
        self.clicks.append((function, inputs, outputs))

    def launch(self, **options: Any) -> None:
        self.launched = options


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Part]]:
    """What the page has made of a stand-in for gradio, by kind."""
    made: dict[str, list[Part]] = {}
    gradio = ModuleType("gradio")
    gradio.__spec__ = object()

    def maker(kind: str) -> Any:
        def make(*arguments: Any, **options: Any) -> Part:
            made.setdefault(kind, []).append(Part(*arguments, **options))
            return made[kind][-1]

        return make

    for kind in ("Blocks", "Markdown", "Row", "Column", "Image", "Slider", "Dropdown", "Button", "File", "ImageSlider"):
        setattr(gradio, kind, maker(kind))
    gradio.Error = type("Error", (Exception,), {})
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    return made


def test_the_button_enlarges_and_errors_are_the_pages(parts: dict[str, list[Part]], photographs: Path, tmp_path: Path) -> None:
    build_page("tiny", tmp_path)
    ((run, inputs, outputs),) = parts["Button"][0].clicks
    assert [len(inputs), len(outputs)] == [3, 2]
    before_after, result = run(str(photographs / "0.png"), 2.5, "tiny")
    assert [image_size(path) for path in (*before_after, result)] == [(150, 175)] * 3
    assert Path(result).name == "0_x2.5.png"
    for path in (None, str(photographs / "absent.png")):
        with pytest.raises(sys.modules["gradio"].Error):
            run(path, 2.5, "tiny")


def test_large_results_are_shown_smaller(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SHOWN", 70)
    shown, result = enlarge(str(photographs / "0.png"), 2.0, "tiny", photographs.parent)
    assert [image_size(path) for path in (*shown, result)] == [(60, 70), (60, 70), (120, 140)]


def test_it_is_this_machine_alone_unless_asked(parts: dict[str, list[Part]], capsys: pytest.CaptureFixture[str]) -> None:
    serve(["--port", "7000"])
    assert parts["Blocks"][0].launched == {"server_name": "127.0.0.1", "server_port": 7000, "quiet": True}
    assert "http://127.0.0.1:7000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "said"), [(["--port", "x"], "--port x"), (["--port", "0"], "--port 0"), (["--model", "tniy"], "tniy")]
)
def test_wrong_options_are_refused(parts: dict[str, list[Part]], wrong: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        serve(wrong)
    assert not parts


def test_without_gradio_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'splatsr\[serve\]'"):
        serve([])


def test_a_taken_port_is_one_line(parts: dict[str, list[Part]], monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(self: Part, **_: Any) -> None:
        raise OSError("Cannot find empty port")

    monkeypatch.setattr(Part, "launch", taken)
    with pytest.raises(InputError, match="Choose another --port"):
        serve([])
