from pathlib import Path

from splatsr.data.image_names import file_stems, image_names


def test_below_a_folder_names_are_paths() -> None:
    folder = Path("set")
    paths = [folder / "a.png", folder / "one" / "a.png", folder / "two" / "a.png"]
    assert image_names(paths, folder) == ["a.png", "one/a.png", "two/a.png"]


def test_listed_files_are_called_by_their_names_as_long_as_these_differ() -> None:
    assert image_names([Path("x/a.png"), Path("y/b.png")], None) == ["a.png", "b.png"]
    assert image_names([Path("x/a.png"), Path("y/a.png")], None) == ["x/a.png", "y/a.png"]
    assert image_names([Path("x/a.png"), Path("x/a.png")], None) == ["a.png", "a.png (2)"]


def test_stems_of_files_are_never_alike() -> None:
    assert file_stems(["a.png", "a.jpg", "x/a.png", "x-a.png", "a-2.png"]) == ["a", "a-2", "x-a", "x-a-2", "a-2-2"]
    long = file_stems(["x" * 300 + ".png", "x" * 301 + ".png"])
    assert len(set(long)) == 2
    assert max(map(len, long)) < 110
