import io
import pickle
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest

from object_stores import StatusError, Store, Web
from splatsr.data.archive import Archive
from splatsr.data.location import UnreachableError
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


def test_an_index_is_made_though_the_store_fails_now_and_then(store: type[Store], photographs: Path) -> None:
    content = make_archive(photographs).read_bytes()
    fsspec.filesystem("store").pipe_file("store://a.tar", content)
    whole = Archive(str(make_archive(photographs))).index()
    busy = StatusError(503, "Busy")
    store.failures = [busy, *[None, busy, busy] * 20]
    assert (Archive("store://a.tar").index() == whole).all()
    for steps in range(12):  # wherever it ends: while it is asked for, or while tarfile reads it
        store.failures = [*[None] * steps, *[busy] * 4]
        with pytest.raises(UnreachableError, match=r"store://a\.tar cannot be read: its server answers 503 Busy"):
            Archive("store://a.tar").index()


def test_other_bytes_than_were_asked_for_are_no_photograph(store: type[Store], photographs: Path) -> None:
    path = make_archive(photographs)
    fsspec.filesystem("store").pipe_file("store://a.tar", path.read_bytes())
    near, far = Archive(str(path)), Archive("store://a.tar")
    start, length = map(int, far.index()[-1])
    size = path.stat().st_size
    store.whole = True
    with pytest.raises(UnreachableError, match=rf"a\.tar: of {length} bytes asked for {size} came: its server must"):
        far.read(start, length)
    with pytest.raises(UnreachableError, match=rf"of 1 bytes asked for {size} came: its server must serve ranges"):
        far.index()
    with path.open("rb+") as file:
        file.truncate(start + length - 1)
    with pytest.raises(UnreachableError, match=rf"of {length} bytes asked for {length - 1} came: it has become shorter"):
        near.read(start, length)
    assert far.read(start, 0) == b""


def test_a_web_server_is_asked_for_ranges(web: Web, photographs: Path) -> None:
    path = make_archive(photographs)
    web.contents = {"/a.tar": path.read_bytes()}
    archive = Archive(f"{web.address}/a.tar?signature=b.c")
    assert archive.name == "a.tar"
    index = archive.index()
    assert (index == Archive(str(path)).index()).all()
    assert archive.read(*map(int, index[1])) == sorted(photographs.iterdir())[1].read_bytes()
    web.ranges = False
    with pytest.raises(UnreachableError, match=r"a\.tar\?signature=b\.c: of 1 bytes asked .* its server must serve ranges"):
        Archive(archive.location).index()
    web.headers = {"Accept-Ranges": "none"}
    with pytest.raises(UnreachableError, match="its server must say how long it is, and serve ranges of it"):
        Archive(archive.location).index()


@pytest.mark.parametrize("header", ["ETag", "Last-Modified", None])
def test_a_stamp_changes_with_the_file_of_a_web_server(web: Web, header: str | None) -> None:
    stamps = []
    for content in (b"a" * 100_000, b"a" * 100_000, b"b" + b"a" * 99_999, b"a" * 99_999 + b"b"):
        web.contents = {"/a.tar": content if header is None else b"a" * 100_000}
        web.headers = {} if header is None else {header: content.hex()[:2] + content.hex()[-2:]}
        stamps.append(Archive(f"{web.address}/a.tar").stamp)
    assert stamps[0] == stamps[1]
    assert len(set(stamps)) == 3
    assert {stamp[:2] for stamp in stamps} == {(f"{web.address}/a.tar", 100_000)}
