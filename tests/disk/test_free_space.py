import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from splatsr.disk.free_space import check_free_space, existing_parent, free_bytes, in_words
from splatsr.errors import InputError


def test_what_is_not_there_yet_lies_on_the_disk_of_the_folder_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert existing_parent(tmp_path) == tmp_path
    assert existing_parent(tmp_path / "new/newer/file.png") == tmp_path
    monkeypatch.chdir(tmp_path)
    assert existing_parent(Path("new")) == tmp_path
    assert free_bytes(tmp_path / "new") > 0


def test_too_little_space_is_one_line_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**30 if folder == tmp_path else 0))
    check_free_space(tmp_path / "new", 2**30, content="the images", remedy="make space")
    with pytest.raises(InputError) as refusal:
        check_free_space(tmp_path / "new", 1.5 * 2**30, content="the images", remedy="make space")
    assert str(refusal.value) == (
        f"the images need about 1.5 GiB on disk, and 1.0 GiB are free at {tmp_path / 'new'}: make space."
    )


def test_small_numbers_of_bytes_are_not_zero() -> None:
    assert [in_words(count) for count in (300_000, 2**20, 2**30 // 10, 2**40)] == [
        "0.3 MiB",
        "1.0 MiB",
        "0.1 GiB",
        "1,024.0 GiB",
    ]
