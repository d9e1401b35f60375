import fsspec
import pytest
from fsspec.registry import known_implementations

from object_stores import StatusError, Store, Web
from splatsr.data.location import Location, UnreachableError


def size(name: str) -> int:
    return Location(name).asked(lambda files, path: files.info(path)["size"])


@pytest.fixture
def kept(store: type[Store]) -> str:
    fsspec.filesystem("store").pipe_file("store://bucket/a.tar", b"abc")
    return "store://bucket/a.tar"


@pytest.mark.parametrize(
    "failure", [StatusError(503, "Busy"), StatusError(429, "Slower"), TimeoutError(), OSError("reset"), KeyError("x")]
)
def test_what_passes_is_asked_again(store: type[Store], kept: str, failure: Exception) -> None:
    store.failures = [failure] * 3
    assert size(kept) == 3
    store.failures = [failure] * 4
    with pytest.raises(UnreachableError, match=r"^store://bucket/a\.tar cannot be read: ."):
        size(kept)
    assert not store.failures


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (StatusError(403, "Forbidden"), "cannot be read: its server answers 403 Forbidden."),
        (StatusError(404, "Not Found"), "no such archive or folder."),
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied."),
        (FileNotFoundError("a.tar"), "no such archive or folder."),
        (ValueError("two\nlines."), r"cannot be read: two\nlines."),
        (ImportError("Install storefs"), "Install storefs."),
    ],
)
def test_what_lasts_is_said_at_once(store: type[Store], kept: str, failure: Exception, said: str) -> None:
    store.failures = [failure] * 2
    with pytest.raises(UnreachableError) as refusal:
        size(kept)
    assert str(refusal.value).startswith(kept)
    assert str(refusal.value).endswith(said)
    assert len(store.failures) == 1


def test_missing_packages_and_unknown_protocols_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known_implementations, "lent", {"class": "no_such_package.Files", "err": "Install lentfs"})
    with pytest.raises(UnreachableError, match=r"lent://a/b\.tar: Install lentfs\."):
        size("lent://a/b.tar")
    with pytest.raises(UnreachableError, match=r"nowhere://a/b\.tar cannot be read: Protocol not known: nowhere\."):
        size("nowhere://a/b.tar")


def test_a_web_server_that_fails_is_no_missing_file(web: Web) -> None:
    web.contents = {"/a.tar": b"abc"}
    assert size(f"{web.address}/a.tar") == 3
    with pytest.raises(UnreachableError, match=r"/b\.tar: no such archive"):
        size(f"{web.address}/b.tar")
    assert sum("b.tar" in one for one in web.asked) == 2, "HEAD and GET, once"
    web.statuses = {"/a.tar": [503, 503, 200]}
    assert size(f"{web.address}/a.tar") == 3
    web.statuses = {"/a.tar": [503]}
    with pytest.raises(UnreachableError, match=r"/a\.tar cannot be read: its server answers 503 Service Unavailable\."):
        size(f"{web.address}/a.tar")
    with pytest.raises(UnreachableError, match=r"^http://127\.0\.0\.1:1/a\.tar cannot be read: .*127\.0\.0\.1"):
        size("http://127.0.0.1:1/a.tar")


def test_a_file_is_read_on_where_its_store_failed(store: type[Store], kept: str) -> None:
    file = Location(kept).opened()
    store.failures = [StatusError(503, "Busy")]
    assert file.read(2) == b"ab"
    store.failures = [StatusError(503, "Busy")]
    assert file.read(2) == b"c"
    store.failures = [StatusError(503, "Busy")] * 4
    with pytest.raises(UnreachableError, match="503 Busy"):
        file.read(2)
    file.close()


def test_a_local_file_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(*_: object) -> None:
        asked.append(1)
        raise OSError(5, "Input/output error")

    with pytest.raises(UnreachableError, match=r"/a\.tar cannot be read: Input/output error\."):
        Location("/a.tar").asked(ask)
    assert len(asked) == 1


def test_a_failure_of_a_folder_is_not_passed_over(store: type[Store]) -> None:
    files = fsspec.filesystem("store")
    for name in ("a/b/1.tar", "a/2.tar", "a/notes.txt"):
        files.pipe_file(f"store://{name}", b"")
    both = ["store://a/2.tar", "store://a/b/1.tar"]
    assert Location("store://a").listed(".tar") == both
    for times in (1, 3):
        store.failures = [None, TimeoutError()] * times  # the second step lists a/b
        assert Location("store://a").listed(".tar") == both
    store.failures = [None, TimeoutError()] * 4
    with pytest.raises(UnreachableError, match="store://a cannot be read: TimeoutError"):
        Location("store://a").listed(".tar")
