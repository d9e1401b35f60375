"""Stores of files for tests: one in memory that fails as it is told, and a web server on this machine."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry


class StatusError(Exception):
    """As aiohttp's: neither an OSError nor a ValueError."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}, message={message!r}")
        self.status, self.message = status, message


class Store(MemoryFileSystem):
    """store://<path>; every step takes one of `failures` first, and raises it unless it is None."""

    protocol = "store"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]
    failures: list[Exception | None] = []
    whole = False
    """Whether it answers with the whole file."""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("store://"))

    def unstrip_protocol(self, name: str) -> str:
        return f"store://{name.lstrip('/')}"

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        fail()
        return super().info(path, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        fail()
        return super().ls(path, detail, **kwargs)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        fail()
        content = self.store[self._strip_protocol(path)].getvalue()
        return content if self.whole else content[start:end]

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return super()._open(path, mode, **kwargs) if mode != "rb" else _File(super()._open(path, mode).getvalue())


class _File(io.BytesIO):
    def read(self, length: int | None = -1) -> bytes:
        fail()
        return super().read(length)


def fail() -> None:
    """Raises the next failure."""
    if Store.failures and (failure := Store.failures.pop(0)) is not None:
        raise failure


@contextmanager
def a_store() -> Iterator[type[Store]]:
    """An empty one."""
    fsspec.register_implementation("store", Store, clobber=True)
    Store.store, Store.pseudo_dirs, Store.failures, Store.whole = {}, [""], [], False
    try:
        yield Store
    finally:
        _registry.pop("store")


class Web:
    """What a web server on this machine has at which path, and how it answers."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.statuses: dict[str, list[int]] = {}
        self.headers: dict[str, str] = {}
        self.ranges = True
        self.asked: list[str] = []
        self.address = ""


@contextmanager
def a_web_server() -> Iterator[Web]:
    """A path that ends with / is a page of links to those below it."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            path = self.path.split("?")[0]
            web.asked.append(f"{self.command} {self.path}")
            waiting = web.statuses.get(path, [])
            status = (waiting.pop(0) if len(waiting) > 1 else waiting[0]) if waiting else 200
            content, kind = self.content(path)
            status = 404 if status == 200 and content is None else status
            body = content if status == 200 and content is not None else b""
            wanted = re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("Range", ""))
            if wanted and web.ranges and status == 200:
                status, body = 206, body[int(wanted[1]) : int(wanted[2]) + 1]
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **web.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def content(self, path: str) -> tuple[bytes | None, str]:
            if not path.endswith("/"):
                return web.contents.get(path), "application/x-tar"
            below = {re.split("(?<=/)", one[len(path) :])[0] for one in web.contents if one.startswith(path)}
            return "".join(f'<a href="{one}">{one}</a>' for one in sorted(below)).encode() or None, "text/html"

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
