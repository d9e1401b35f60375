import io
import pickle
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest

from splatsr.data.archive import Archive
from splatsr.errors import InputError
from tiny_runs import make_archive


def test_the_index_says_where_images_begin(photographs: Path) -> None:
    archive = Archive(str(make_archive(photographs)))
    index = archive.index()
    files = sorted(photographs.iterdir())
    assert [archive.read(*map(int, place)) for place in index] == [file.read_bytes() for file in files]
    assert [archive.name_at(int(start)) for start, _ in index] == [file.name for file in files]


def test_long_names_and_what_is_no_file_do_not_disturb(tmp_path: Path) -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
        with tarfile.open(tmp_path / "a.tar", "w", format=form) as archive:
            for name, kind in (("folder.png", tarfile.DIRTYPE), ("link.png", tarfile.SYMTYPE)):
                (member := tarfile.TarInfo(name)).type = kind
                archive.addfile(member)
            for name in ("a/" + "long" * 20 + "/" + "b" * 90 + ".jpg", "ä.PNG", "notes.txt"):
                (member := tarfile.TarInfo(name)).size = 5
                archive.addfile(member, io.BytesIO(name[-5:].encode()[:5]))
        found = Archive(str(tmp_path / "a.tar"))
        assert [found.read(*map(int, place)) for place in found.index()] == [b"b.jpg", "ä.PNG"[-5:].encode()[:5]]


def test_an_object_store_is_asked_for_ranges() -> None:
    with fsspec.open("memory://bucket/a.tar", "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        (member := tarfile.TarInfo("a.png")).size = 4
        archive.addfile(member, io.BytesIO(b"abcd"))
    archive = pickle.loads(pickle.dumps(Archive("memory://bucket/a.tar")))
    assert archive.stamp[:2] == ("memory://bucket/a.tar", 10240)
    ((start, length),) = archive.index()
    assert archive.read(int(start), int(length)) == b"abcd"


def test_what_is_no_whole_archive_is_refused(photographs: Path, tmp_path: Path) -> None:
    content = make_archive(photographs).read_bytes()
    path = tmp_path / "broken.tar"
    for damaged in (content[: len(content) // 2], b"", b"nothing" * 1000, content[:1100] + b"x" * 50 + content[1150:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"broken\.tar (is no whole|holds no image)"):
            Archive(str(path)).index()
    with tarfile.open(path, "w:gz") as archive:
        archive.add(photographs / "0.png", "0.png")
    with pytest.raises(InputError, match="is no whole .tar archive, uncompressed"):
        Archive(str(path)).index()
    with pytest.raises(InputError, match=r"gone\.tar: no such archive"):
        Archive(str(tmp_path / "gone.tar")).index()
    with pytest.raises(InputError, match="s3://"):
        Archive("s3://bucket/a.tar").index()


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    stamps = set()
    for length in (3, 4):
        path.write_bytes(np.zeros(length, np.uint8).tobytes())
        stamps.add(Archive(str(path)).stamp)
    assert len(stamps) == 2
