import os
import re
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.registry import known_implementations

from object_stores import StatusError, Store, Web
from splatsr.data.location import UnreachableError
from splatsr.data.shards import Shards
from splatsr.errors import InputError
from tiny_runs import make_archive, make_photographs


def shards(paths: object, cache: Path | None = None, root: Path | None = None) -> Shards:
    return Shards(
        paths, root=None if root is None else str(root), cache=None if cache is None else str(cache), skip_damaged=False
    )


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with two archives of three images."""
    for name in ("b", "a"):
        make_archive(make_photographs(tmp_path / "set" / name))
    return tmp_path / "set"


def test_folders_archives_and_patterns_are_found_in_order(two: Path) -> None:
    a, b = str(two / "a.tar"), str(two / "b.tar")
    for paths, found in {str(two): [a, b], b: [b], str(two / "*.tar"): [a, b]}.items():
        assert [archive.location for archive in shards(paths).archives] == found
    assert [archive.location for archive in shards(["b.tar", "a.tar"], root=two).archives] == [b, a]
    for nothing in (str(two / "a"), str(two / "c.tar"), str(two / "a" / "0.png"), str(two / "*.zip")):
        with pytest.raises(InputError, match="archive"):
            _ = shards(nothing).archives


def test_an_index_is_kept_until_its_archive_changes(two: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = [np.array(index) for _, index in shards(str(two), cache).indexed()]
    kept = sorted((cache / "shards").iterdir())
    assert len(kept) == 2
    changed = np.array(first[0])
    changed[:, 1] -= 1
    np.save(kept[0], changed)
    (_, read), _ = shards(str(two), cache).indexed()
    assert (read == changed).all(), "the kept one is read"
    kept[0].write_bytes(b"damaged")
    (_, read), _ = shards(str(two), cache).indexed()
    assert (read == first[0]).all()
    os.utime(two / "a.tar", (1, 1))
    _ = list(shards(str(two), cache).indexed())
    assert len(list((cache / "shards").iterdir())) == 3


def test_a_path_without_archives_is_refused_beside_others(two: Path) -> None:
    (two / "c").mkdir()
    for nothing in (str(two / "c"), str(two / "*.zip")):
        with pytest.raises(InputError, match=rf"^{re.escape(nothing)} is no archive"):
            _ = shards([str(two), nothing]).archives
    with pytest.raises(InputError, match="names no archive"):
        _ = shards([]).archives


def test_folders_and_patterns_of_a_store(store: type[Store]) -> None:
    files = fsspec.filesystem("store")
    a, b, c = "store://set/a.tar", "store://set/b.tar", "store://set/more/c.tar"
    for name in (c, b, a, "store://set/notes.txt", "store://other/notes.txt"):
        files.pipe_file(name, b"")
    for paths, found in {"store://set": [a, b, c], "store://set/": [a, b, c], "store://set/*.tar": [a, b], b: [b]}.items():
        assert [archive.location for archive in shards(paths).archives] == found
    for nothing in ("store://other", "store://other/*.tar"):
        with pytest.raises(InputError, match=rf"{re.escape(nothing)} is no archive \(\.tar\), no folder"):
            _ = shards([a, nothing]).archives
    with pytest.raises(UnreachableError, match="store://nowhere: no such archive or folder"):
        _ = shards("store://nowhere").archives
    for path in ("store://set", "store://set/*.tar"):
        store.failures = [StatusError(503, "Busy")] * 3
        assert len(shards(path).archives) >= 2
        store.failures = [StatusError(503, "Busy")] * 4
        with pytest.raises(UnreachableError, match=rf"{re.escape(path)} cannot be read: its server answers 503 Busy"):
            _ = shards(path).archives


def test_folders_and_patterns_of_a_web_server(web: Web) -> None:
    a, c = f"{web.address}/set/a.tar", f"{web.address}/set/more/c.tar"
    web.contents = dict.fromkeys(("/set/a.tar", "/set/more/c.tar", "/set/notes.txt"), b"")
    signed = f"{a}?signature=*/b"
    for paths, found in {f"{web.address}/set/": [a, c], f"{web.address}/set/*.tar": [a], signed: [signed]}.items():
        assert [archive.location for archive in shards(paths).archives] == found
    for path in ("set/", "set/*.tar"):
        web.statuses = {"/set/": [403]}
        with pytest.raises(UnreachableError, match="cannot be read: its server answers 403 Forbidden"):
            _ = shards(f"{web.address}/{path}").archives
        with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/.* cannot be read: "):
            _ = shards(f"http://127.0.0.1:1/{path}").archives


def test_missing_packages_and_unknown_protocols_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known_implementations, "lent", {"class": "no_such_package.Files", "err": "Install lentfs"})
    for path in ("photos", "photos/*.tar", "photos/a.tar"):
        with pytest.raises(UnreachableError, match=rf"lent://{re.escape(path)}: Install lentfs\."):
            list(shards(f"lent://{path}").indexed())
        with pytest.raises(UnreachableError, match=rf"nowhere://{re.escape(path)} cannot be read: Protocol not known: nowhere"):
            list(shards(f"nowhere://{path}").indexed())


def test_the_index_of_a_signed_address_has_the_name_of_its_file(web: Web, photographs: Path, tmp_path: Path) -> None:
    web.contents = {"/a.tar": make_archive(photographs).read_bytes()}
    ((_, index),) = shards(f"{web.address}/a.tar?signature={'long' * 100}", tmp_path).indexed()
    (kept,) = (tmp_path / "shards").iterdir()
    assert kept.name.startswith("a-")
    assert (np.load(kept) == index).all()
