from pathlib import Path

import numpy as np
import pytest

from splatsr.data.layouts import check_tree, images_in, parts_in
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        write_image(tmp_path / name, np.zeros((4, 5, 3), np.uint8))
    return tmp_path


def test_folders_come_in_the_order_given_below_the_root(root: Path) -> None:
    assert images_in(["b", "a"], str(root)) == [root / "b/3.png", root / "a/1.png", root / "a/2.png"]
    assert images_in(str(root / "a"), None) == [root / "a/1.png", root / "a/2.png"]


def test_files_that_lie_together_are_one_part(root: Path) -> None:
    parts = list(parts_in(["a/2.png", "a/1.png", "b/3.png", "a"], str(root)))
    assert [(part.folder.name, part.names) for part in parts] == [
        ("a", ("2.png", "1.png")),
        ("b", ("3.png",)),
        ("a", ("1.png", "2.png")),
    ]


def test_what_a_tree_lacks_is_named_only_where_something_needed_is_missing(root: Path) -> None:
    check_tree(str(root), ["a"], ["a", "c"])
    check_tree(None, ["c"], ["c"])
    with pytest.raises(InputError, match=f"{root} lacks c; expected tree: {root}/a/<images>, {root}/c/<images>"):
        check_tree(str(root), ["a", "c"], ["a", "c"])
