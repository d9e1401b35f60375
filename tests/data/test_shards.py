import os
from pathlib import Path

import numpy as np
import pytest

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
