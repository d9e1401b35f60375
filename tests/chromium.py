"""A headless Chromium, driven over a pipe with the standard library alone."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from select import select
from typing import Any

PLACES = ("/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--hide-scrollbars", "--force-device-scale-factor=1", "--force-color-profile=srgb", "--window-size=900,600",
    "--no-first-run", "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe",
)  # fmt: skip

PATIENCE = 60.0
"""Seconds that an answer may take."""


def find_chromium() -> str | None:
    """The program, where it is installed."""
    return next((found for place in PLACES if (found := shutil.which(place))), None)


class Page:
    """A page that is open in the browser; `errors` are its uncaught exceptions and what it wrote to the console as errors."""

    def __init__(self, browser: "Chromium", target: str) -> None:
        self.browser, self.target, self.errors = browser, target, list[str]()
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.listeners[self.session] = self._hear
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of the DevTools protocol."""
        return self.browser.call(method, session=self.session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """What an expression comes to, a promise's value included."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def open(self, path: Path, fragment: str = "") -> None:
        """Loads a file, and waits until it is shown."""
        self.call("Page.navigate", url=f"{path.as_uri()}#{fragment}")
        until = time.monotonic() + PATIENCE
        while self.evaluate("location.protocol + document.readyState") != "file:complete":
            assert time.monotonic() < until, f"{path} does not load"
        self.evaluate("window.splatsr && window.splatsr.then(() => 1)")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """mousePressed, mouseMoved, mouseReleased or mouseWheel."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key: str, **more: Any) -> None:
        """Presses and lets go."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def screenshot(self) -> bytes:
        """A PNG of what is seen."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        """Closes the tab."""
        self.browser.call("Target.closeTarget", targetId=self.target)
        del self.browser.listeners[self.session]

    def _hear(self, event: dict[str, Any]) -> None:
        content = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            details = content["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event["method"] == "Runtime.consoleAPICalled" and content["type"] in ("error", "assert", "warning"):
            self.errors.append(str(content["args"]))
        elif event["method"] == "Log.entryAdded" and content["entry"]["level"] == "error":
            self.errors.append(content["entry"]["text"])


class Chromium:
    """A running browser. JSON messages end in a NUL; it reads them from its descriptor 3 and answers on 4."""

    def __init__(self, program: str, folder: str, flags: Sequence[str] = ()) -> None:
        hears, self._to = os.pipe()
        self._from, says = os.pipe()
        line = f'exec "$0" "$@" 3<&{hears} 4>&{says}'
        self.process = subprocess.Popen(
            ["bash", "-c", line, program, *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(hears, says), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(hears)
        os.close(says)
        self.listeners: dict[str, Any] = {}
        self._count, self._buffer = 0, bytearray()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer; AssertionError where it is an error or does not come."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        content = memoryview(json.dumps(message).encode() + b"\0")
        while content:
            content = content[os.write(self._to, content) :]
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._next(until, method)
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if "method" in answer and (listener := self.listeners.get(answer.get("sessionId", ""))):
                listener(answer)

    def _next(self, until: float, what: str) -> dict[str, Any]:
        while (end := self._buffer.find(b"\0")) < 0:
            ready, _, _ = select([self._from], [], [], max(until - time.monotonic(), 0))
            assert ready, f"Chromium does not answer {what}"
            chunk = os.read(self._from, 1 << 20)
            assert chunk, f"Chromium has ended during {what}"
            self._buffer += chunk
        message = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return json.loads(message)

    def page(self) -> Page:
        """A new tab."""
        return Page(self, self.call("Target.createTarget", url="about:blank")["targetId"])

    def close(self) -> None:
        """Ends it."""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._to)
        os.close(self._from)


@contextlib.contextmanager
def chromium(program: str, *flags: str) -> Iterator[Chromium]:
    """A browser with a folder of its own, both gone at the end."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        browser = Chromium(program, folder, flags)
        try:
            yield browser
        finally:
            browser.close()
