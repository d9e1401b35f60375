from pathlib import Path

import pytest

from splatsr.commands.pictures import find_pictures, name_results, without_results
from splatsr.errors import InputError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with three pictures and a text."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.jpg", "deep/a.png", "notes.txt", "moving.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]


def test_patterns_match_pictures_alone_and_nothing_comes_twice() -> None:
    assert names(find_pictures(["*", "a.png"])) == ["a.png", "b.jpg", "moving.gif"]
    assert names(find_pictures(["**/a.png"])) == ["a.png", "deep/a.png"]


@pytest.mark.parametrize("given", [["no.png"], ["*.bmp"], [""], ["a.png", "deep"]])
def test_what_is_not_there_is_refused(given: list[str]) -> None:
    with pytest.raises(InputError):
        find_pictures(given)


@pytest.mark.parametrize(
    ("given", "output", "made"),
    [
        (["a.png"], None, ["a_x2.png"]),
        (["deep/a.png"], None, ["a_x2.png"]),
        (["moving.gif"], None, ["moving_x2.png"]),
        (["a.png"], "big.webp", ["big.webp"]),
        (["a.png"], "new/", ["new/a_x2.png"]),
        (["a.png"], "deep", ["deep/a_x2.png"]),
        (["a.png", "b.jpg"], "new", ["new/a_x2.png", "new/b_x2.jpg"]),
        (["deep"], None, ["deep_x2"]),
        (["deep"], "new", ["new"]),
        (["deep/.."], None, None),
    ],
)
def test_results_are_where_one_would_look(here: Path, given: list[str], output: str | None, made: list[str] | None) -> None:
    expected = made or [f"{here.name}_x2"]
    assert names(name_results(find_pictures(given), output, "_x2")) == expected


@pytest.mark.parametrize(
    ("given", "output", "said"),
    [
        (["a.png"], "big", "name a file with its format, big.png, or a folder, big/"),
        (["a.png"], "big.gif", "cannot write .gif"),
        (["a.png", "b.jpg"], "big.png", "give a folder"),
        (["a.png", "b.jpg"], "notes.txt", "give a folder"),
        (["a.png"], "notes.txt/big.png", "notes.txt is a file, not a folder"),
        (["a.png", "deep/a.png"], None, "would both become a_x2.png"),
        (["deep"], "notes.txt", "a folder is made"),
    ],
)
def test_places_for_nothing_are_refused(given: list[str], output: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        name_results(find_pictures(given), output, "_x2")


def test_results_of_an_earlier_command_are_not_enlarged_again(here: Path) -> None:
    pictures = [Path(name) for name in ("a.png", "a_x2.png", "b.png", "c_x2.png")]
    kept, results = without_results(pictures, name_results(pictures, None, "_x2"))
    assert [path.name for path in kept] == ["a.png", "b.png", "c_x2.png"]
    assert [path.name for path in results] == ["a_x2.png", "b_x2.png", "c_x2_x2.png"]
