import logging
import os
from pathlib import Path

import numpy as np
import pytest

from splatsr.errors import InputError
from splatsr.image_files.folder import find_images, find_parts
from splatsr.image_files.one_line import say_once
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def test_folders_are_searched_deeply_and_sorted(tmp_path: Path) -> None:
    for name in ("b.png", "deep/er/a.JPG", ".hidden/c.png", "deep/.d.png"):
        write_image(tmp_path / name, RGB)
    (tmp_path / "notes.txt").touch()
    assert [str(path.relative_to(tmp_path)) for path in find_images(tmp_path)] == ["b.png", "deep/er/a.JPG"]


def test_folders_come_one_by_one_without_opening_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b/2.png", "b/10.jpg", "a/1.png", "0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("never looked at")
    parts = find_parts(tmp_path)
    assert next(parts) == (tmp_path, ("0.png",))
    assert [(part.folder.name, part.names) for part in parts] == [("a", ("1.png",)), ("b", ("10.jpg", "2.png"))]


def test_linked_folders_are_followed_and_each_is_looked_at_once(tmp_path: Path) -> None:
    for name in ("set/a.png", "elsewhere/b.png"):
        write_image(tmp_path / name, RGB)
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "once_more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "nowhere").symlink_to(tmp_path / "absent")
    found = [str(path.relative_to(tmp_path / "set")) for path in find_images(tmp_path / "set")]
    assert found == ["a.png", "linked/b.png"]


def test_what_is_left_out_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    say_once.cache_clear()
    write_image(tmp_path / "a.png", RGB)
    for name in ("b.heic", "c.HEIC", "d.txt", "LICENSE", ".hidden.txt"):
        (tmp_path / name).touch()
    with caplog.at_level(logging.WARNING):
        find_images(tmp_path)
    assert "(files of other kinds are left out: 2 .heic, 1 .txt, 1 without suffix)" in caplog.text
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match=r"holds no images .* left out: 2 \.heic"):
        find_images(tmp_path)


NAMES = (
    "a[1].png",
    "123.png",
    "-x.png",
    "a=b (1).png",
    'it\'s "b".png',
    "a\nb.png",
    "日本.png",
    os.fsdecode(b"\xe9.png"),
    "[red]c.png",
)


def test_names_are_no_obstacle(tmp_path: Path) -> None:
    write_image(tmp_path / "[1]" / "a.png", RGB)
    for name in NAMES:
        (tmp_path / "[1]" / name).write_bytes((tmp_path / "[1]" / "a.png").read_bytes())
    found = find_images(tmp_path / "[1]")
    assert {path.name for path in found} == {"a.png", *NAMES}
    assert all(np.array_equal(read_image(path), RGB) for path in found)
