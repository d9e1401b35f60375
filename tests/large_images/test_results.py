from pathlib import Path

import numpy as np
import pytest

from splatsr.errors import InputError
from splatsr.image_files.result_names import Naming
from splatsr.image_files.writing import write_image
from splatsr.large_images.results import check_existing, is_done, one_result, results_of_folder

RGB = np.full((6, 8, 3), 90, np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_image(tmp_path / "in" / "a.png", RGB)
    return tmp_path / "in" / "a.png"


def names(source: Path, target: Path) -> list[str]:
    return [str(result.target.relative_to(target)) for result in results_of_folder(source, target, Naming())]


def test_a_folders_results_have_the_places_of_their_images(photo: Path, tmp_path: Path) -> None:
    for name in ("b.jpg", "deeper/a.png", "[1] x.tif"):
        write_image(photo.parent / name, RGB)
    (photo.parent / "c.gif").touch()
    (photo.parent / "d.PBM").touch()
    found = names(photo.parent, tmp_path / "out")
    assert found == ["[1] x.tif", "a.png", "b.jpg", "c.gif.png", "d.PBM.png", "deeper/a.png"]
    assert not (tmp_path / "out").exists()


def test_no_two_results_are_one_file(photo: Path, tmp_path: Path) -> None:
    (photo.parent / "c.gif").touch()
    write_image(photo.parent / "c.gif.png", RGB)
    with pytest.raises(InputError, match=r"c\.gif and .*c\.gif\.png would both become .*c\.gif\.png"):
        results_of_folder(photo.parent, tmp_path / "out", Naming())


def test_no_result_takes_the_place_of_a_source(photo: Path) -> None:
    write_image(photo.parent / "in" / "a.png", RGB)
    write_image(photo.parent / "in" / "in" / "a.png", RGB)
    with pytest.raises(InputError, match="would take the place of the image"):
        results_of_folder(photo.parent / "in", photo.parent, Naming())


@pytest.mark.parametrize("where", ["in", "in/deeper/out", "link", "in/../in"])
def test_results_do_not_lie_among_the_images(photo: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "link").symlink_to(photo.parent)
    with pytest.raises(InputError, match="lies in the input folder"):
        results_of_folder(photo.parent, tmp_path / where, Naming())


def test_one_image_has_one_result(photo: Path, tmp_path: Path) -> None:
    assert one_result(photo, tmp_path / "b.png") == (photo, tmp_path / "b.png")
    for source, target, refusal in (
        (tmp_path / "*.png", tmp_path / "b.png", "no such file or folder"),
        (photo, tmp_path, "is a folder; name the image"),
        (photo, photo, "is the input itself"),
        (photo, tmp_path / "b.xyz", "cannot write .xyz"),
        (photo, tmp_path / "b.gif", "cannot write .gif"),
        (photo, tmp_path / "b", "a file without suffix"),
    ):
        with pytest.raises(InputError, match=refusal):
            one_result(source, target)
    with pytest.raises(InputError, match="is a file; of a folder of images a folder is made"):
        results_of_folder(photo.parent, photo, Naming())


def test_only_a_whole_image_of_the_right_size_is_done(photo: Path, tmp_path: Path) -> None:
    assert is_done(photo, (6, 8))
    assert not is_done(tmp_path / "absent.png", (6, 8))
    with pytest.raises(InputError, match=r"is there already as 8x6, not 9x6; existing=overwrite replaces it"):
        is_done(photo, (6, 9))
    photo.write_bytes(photo.read_bytes()[:48])
    with pytest.raises(InputError, match=r"a\.png is damaged.* and is there already; existing=overwrite replaces it"):
        is_done(photo, (6, 8))


def test_what_is_there_is_said(photo: Path, tmp_path: Path) -> None:
    results = results_of_folder(photo.parent, tmp_path / "out", Naming())
    check_existing(results)
    write_image(tmp_path / "out" / "a.png", RGB)
    with pytest.raises(InputError, match=r"a\.png exists already: choose another output, or set existing=skip"):
        check_existing(results)


def test_a_link_to_itself_is_a_result_like_others(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/loop.png").symlink_to("loop.png")
    (result,) = results_of_folder(tmp_path / "in", tmp_path / "out", Naming())
    assert result.target == tmp_path / "out/loop.png"
