import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from splatsr.disk.user_cache import settle_libraries, user_cache

NOWHERE = "/dev/null/nobody"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home and a folder for temporary files of this test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    user_cache.cache_clear()
    yield tmp_path
    user_cache.cache_clear()


def test_the_home_folder_or_what_stands_for_it(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_cache() in (elsewhere / "home/.cache/splatsr", elsewhere / "home/Library/Caches/splatsr")
    monkeypatch.setenv("XDG_CACHE_HOME", str(elsewhere / "xdg"))
    user_cache.cache_clear()
    assert user_cache() == elsewhere / "xdg" / "splatsr"


def test_a_home_that_does_not_exist_is_not_made(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home in (NOWHERE, str(elsewhere / "missing")):
        monkeypatch.setenv("HOME", home)
        user_cache.cache_clear()
        assert user_cache() == elsewhere / "temporary" / f"splatsr-{os.getuid()}"
    assert not (elsewhere / "missing").exists()


def test_a_folder_that_others_may_write_is_not_trusted(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", NOWHERE)
    folder = elsewhere / "temporary" / f"splatsr-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    assert user_cache() is None
    folder.rmdir()
    folder.symlink_to(elsewhere / "home")
    user_cache.cache_clear()
    assert user_cache() is None


def test_libraries_get_a_place_only_where_they_have_none(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    before = dict(os.environ)
    settle_libraries()
    assert dict(os.environ) == before
    monkeypatch.setattr(os, "environ", {**before, "HOME": NOWHERE, "TORCH_HOME": "mine"})
    settle_libraries()
    assert os.environ["TORCH_HOME"] == "mine"
    assert Path(os.environ["MPLCONFIGDIR"]).is_dir()
