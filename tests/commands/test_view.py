import json
import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from splatsr import GaussianField, InputError
from splatsr.commands import view as command
from splatsr.commands.view import view
from splatsr.models.continuoussr import ContinuousSR
from splatsr.viewer import subjects
from splatsr.viewer.network import Network


@pytest.fixture(autouse=True)
def here(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Works in the folder with three pictures of 60x70 pixels."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # as the command sets it, for this test alone
    monkeypatch.chdir(photographs)
    return photographs


def shown(path: Path) -> list[dict]:
    """What a page says of its pictures."""
    (content,) = re.findall(r'id="facts">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    return json.loads(content)["pictures"]


def names(path: Path) -> list[tuple[str, list[str], list[str]]]:
    return [
        (one["name"], [field["name"] for field in one["fields"]], [picture["name"] for picture in one["pictures"]])
        for one in shown(path)
    ]


def saved_field(path: Path, size: tuple[int, int] = (6, 7)) -> Path:
    count = size[0] * size[1]
    GaussianField(torch.rand(1, count, 2), torch.rand(1, count, 3) + 0.2, torch.rand(1, count, 3), size).save(path)
    return path


def test_a_picture_becomes_a_page_beside_you(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view(["0.png"])
    assert names(here / "0.html") == [("0.png", ["tiny"], ["Bicubic"])]
    assert shown(here / "0.html")[0]["size"] == [60, 70]
    assert re.fullmatch(r"0\.png -> 0\.html \(0\.\d MB\): open it in a browser\n", capsys.readouterr().out)


def test_a_folder_reduced_with_originals(here: Path) -> None:
    view([".", "--reduce", "7", "-o", "all.html", "--precision", "float32"])
    assert names(here / "all.html") == [(f"{index}.png", ["tiny"], ["Bicubic", "Original"]) for index in range(3)]
    first = shown(here / "all.html")[0]
    assert (first["size"], first["fields"][0]["steps"]) == ([8, 10], None)


def test_pictures_of_several_that_cannot_be_read_are_left_out_and_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "0.png").write_bytes((here / "0.png").read_bytes()[:900])
    (here / "3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"2 of 4 pictures are not in it \(named above\)"):
        view([".", "-o", "all.html"])
    assert [name for name, _, _ in names(here / "all.html")] == ["1.png", "2.png"]
    said = capsys.readouterr().err.splitlines()
    assert ["3.png" in said[0], "0.png" in said[1], len(said)] == [True, True, 2]
    with pytest.raises(InputError, match="none of 2 pictures can be shown"):
        view(["0.png", "3.png", "-o", "none.html"])
    assert not (here / "none.html").exists()


def test_so_are_those_that_are_too_long_before_any_model_runs(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (4001, 6)).save("long.png")
    view(["long.png", "0.png", "--reduce", "2", "-o", "half.html"])
    assert [one["size"] for one in shown(here / "half.html")] == [[3, 2000], [30, 35]]
    Image.new("RGB", (8193, 6)).save("longer.png")
    capsys.readouterr()
    for options in ([], ["--reduce", "4"]):
        with pytest.raises(InputError, match="1 of 2 pictures are not in it"):
            view(["longer.png", "0.png", *options, "-o", f"{len(options)}.html"])
        assert "skipped: longer.png has 8193x6 pixels; the page shows at most 4000 a side" in capsys.readouterr().err
    monkeypatch.setattr(subjects, "field_of", None)
    with pytest.raises(InputError, match="long.png has 4001x6 pixels; the page shows at most 4000 a side"):
        view(["long.png"])


def test_a_warning_is_about_the_page_that_is_made(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not about the one that a picture, which turned out to be damaged, would have made."""
    Image.effect_noise((600, 500), 50).save("noise.png")
    (here / "noise.png").write_bytes((here / "noise.png").read_bytes()[:9000])
    monkeypatch.setattr(command, "LARGE", 4_000_000)
    with pytest.raises(InputError, match="1 of 2 pictures are not in it"):
        view(["noise.png", "0.png", "-o", "small.html"])
    assert "warning" not in capsys.readouterr().err


def test_a_field_and_what_it_is_compared_with(here: Path) -> None:
    saved_field(here / "a.field")
    saved_field(here / "b.splat")
    view(["a.field", "--compare", "b.splat", "--compare", "0.png"])
    assert names(here / "a.html") == [("a", ["a", "b"], ["Bicubic of the field at x1", "0"])]


def test_a_picture_beside_another_model_and_a_picture(here: Path, tiny_file: Path) -> None:
    view(["0.png", "--compare", str(tiny_file), "--compare", "1.png"])
    assert names(here / "0.html") == [("0.png", ["tiny", tiny_file.stem], ["Bicubic", "1"])]


def test_the_folder_of_a_run(here: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = here.parent / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes(tiny_file.read_bytes())
    monkeypatch.setattr(command, "_photographs", lambda: [here / "0.png"])
    view([str(run)])
    assert names(here / "run.html") == [("0.png", ["run"], ["Bicubic", "Original"])]
    assert shown(here / "run.html")[0]["size"] == [15, 17]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.png"], "no.png: no such file"),
        (["0.png", "-o", "page.png"], r"HTML file; name it page\.html"),
        (["0.png", "-o", "there.html"], "there.html exists already"),
        (["0.png", "--reduce", "1"], "--reduce 1: expected a whole number from 2 to 64"),
        (["0.png", "--reduce", "61"], "has 70x60 pixels, too few for --reduce 61"),
        (["0.png", "--model", "tyni"], "there is no model 'tyni'; known names are tiny"),
        (["0.png", "--model", "bicubic"], "there is no model 'bicubic'"),
        (["0.png", "--compare", "tyni"], "there is no model 'tyni'; known names are tiny"),
        ([".", "--compare", "0.png"], "belongs to one picture"),
        (["0.png", "--compare", "."], "is a folder; give a model"),
        (["0.png", "--compare", "a.field"], "a is a field for 7x6 LR pixels"),
        (["0.png", "a.field"], "is no picture; a saved field, or a run, is given alone"),
        (["a.field", "--reduce", "2"], "is a field, made already"),
        (["a.field", "--compare", "tiny"], "not with a model"),
        (["broken.field"], "broken.field is damaged, or no saved field"),
        (["input=0.png"], "is a setting, and this command takes options"),
        (["empty"], "holds no images"),
    ],
)
def test_what_cannot_be_meant_is_refused(here: Path, arguments: list[str], said: str) -> None:
    saved_field(here / "a.field")
    (here / "broken.field").write_bytes(b"no field")
    (here / "there.html").touch()
    (here / "empty").mkdir()
    with pytest.raises(InputError, match=said):
        view(arguments)
    assert not [path for path in here.glob("*.html") if path.stat().st_size]


def test_a_page_that_is_there_is_replaced_where_that_is_asked_for(here: Path) -> None:
    (here / "0.html").touch()
    saved_field(here / "0.field")
    view(["0.field", "--existing", "overwrite"])
    assert shown(here / "0.html")


def test_large_pages(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    saved_field(here / "a.field")
    monkeypatch.setattr(command, "LARGE", 1000)
    view(["a.field"])
    assert capsys.readouterr().err == "warning: a.html has 0 MB; browsers take a while to open it.\n"
    monkeypatch.setattr(command, "LARGEST", 60 * 70 * 40 - 1)
    monkeypatch.setattr(subjects, "field_of", None)  # it is said before any model runs
    with pytest.raises(InputError, match=r"a page of 0\.0 million pixels would have about 0 MB, and browsers take 0"):
        view(["0.png"])
    saved_field(here / "b.field")
    monkeypatch.setattr(command, "LARGEST", 1000)
    with pytest.raises(InputError, match=r"b\.html would have 0 MB, and browsers take 0"):
        view(["b.field"])
    assert not (here / "b.html").exists()


def test_a_page_that_runs_a_model_needs_no_picture(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`network_of` is stood in for: what it makes is looked at in tests/viewer/test_with_model.py."""
    asked: list[tuple[str, str, int]] = []

    def network_of(model: ContinuousSR, *, name: str, licence: str) -> Network:
        asked.append((name, licence, model.margin))
        return Network({"name": name}, {"runtime": b"", "wasm": b"", "network": b""}, "<about>")

    monkeypatch.setattr("splatsr.viewer.network.network_of", network_of)
    view(["--with-model", "tiny"])
    assert asked == [("tiny", "CC-BY-SA-4.0", 4)]
    assert names(here / "tiny.html") == []
    text = (here / "tiny.html").read_text()
    assert "&lt;about&gt;" in text
    assert all(f'id="{part}"' in text for part in ("runtime", "wasm", "network", "worker", "drop"))
    assert re.search(r"tiny -> tiny\.html \(0\.\d MB\)", capsys.readouterr().out)
    view(["0.png", "--with-model", "tiny", "-o", "both.html"])
    assert names(here / "both.html") == [("0.png", ["tiny"], ["Bicubic"])]
    with pytest.raises(InputError, match="there is no model 'tinny'; did you mean 'tiny'"):
        view(["--with-model", "tinny"])
    with pytest.raises(InputError, match="--compare is for pictures of the page, and none is given"):
        view(["--with-model", "tiny", "--compare", "tiny", "-o", "c.html"])
    with pytest.raises(InputError, match="are required: PICTURE, or --with-model"):
        view([])
