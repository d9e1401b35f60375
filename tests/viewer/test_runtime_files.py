import base64
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from splatsr import InputError
from splatsr.viewer import runtime_files
from splatsr.viewer.runtime_files import ARCHIVE, PROGRAM, SCRIPT, runtime


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        for name in names:
            about = tarfile.TarInfo(name)
            about.size = len(name)
            file.addfile(about, io.BytesIO(name.encode()))
    return content.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runtime_files, "user_cache", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive that takes the place of npm's."""
    content = archive(SCRIPT, PROGRAM, "package/README.md")
    monkeypatch.setattr(runtime_files, "INTEGRITY", base64.b64encode(hashlib.sha512(content).digest()).decode())
    return content


def use_npm(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> list[list[str]]:
    """A program that is called as npm is and writes that archive; returns what it is called with."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        calls.append(command)
        if content is None:
            raise subprocess.CalledProcessError(1, command, stderr="npm error network\nno address")
        Path(command[-1], ARCHIVE).write_bytes(content)

    monkeypatch.setattr(runtime_files.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(runtime_files.subprocess, "run", run)
    return calls


def test_npm_is_asked_once(cache: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = use_npm(monkeypatch, expected)
    assert runtime() == runtime() == (SCRIPT.encode(), PROGRAM.encode())
    assert [call[:3] for call in calls] == [["/bin/npm", "pack", "onnxruntime-web@1.30.0"]]
    assert [path.name for path in cache.iterdir()] == [ARCHIVE]


def test_what_was_put_there_by_hand_needs_no_npm(cache: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_files.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"npm is not installed: install Node\.js, or put onnxruntime-web-1\.30\.0\.tgz"):
        runtime()
    (cache / ARCHIVE).write_bytes(expected)
    assert runtime().script == SCRIPT.encode()


def test_nothing_else_is_used(cache: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    use_npm(monkeypatch, archive(SCRIPT, PROGRAM))
    with pytest.raises(InputError, match="is not what is expected, and is not used"):
        runtime()
    assert list(cache.iterdir()) == []
    (cache / ARCHIVE).write_bytes(expected[:-1])
    with pytest.raises(InputError, match="is damaged"):
        runtime()


def test_why_npm_fails_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_npm(monkeypatch, None)
    with pytest.raises(InputError, match=r"npm does not give .* \(npm error network no address\)\. Without a network: put"):
        runtime()
    monkeypatch.setattr(runtime_files, "user_cache", lambda: None)
    with pytest.raises(InputError, match="no folder to keep"):
        runtime()
