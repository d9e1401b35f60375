import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageFile

from splatsr.errors import InputError
from splatsr.image_files.opened import opened
from splatsr.image_files.pillow_file import PillowFile
from splatsr.image_files.reading import image_size, read_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "error",
    [
        struct.error("a"),
        OverflowError(),
        ZeroDivisionError(),
        EOFError(),
        TypeError("b"),
        RecursionError(),
        KeyError(3),
        SyntaxError(),
    ]
    + [AttributeError("c"), IndexError(), AssertionError(), UnicodeDecodeError("ascii", b"\xe9", 0, 1, "d"), OSError("e")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_decoder_raises_is_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    Image.fromarray(RGB).save(tmp_path / "a.bmp")
    with monkeypatch.context() as patched:
        patched.setattr(ImageFile.ImageFile, "load", fail)
        with pytest.raises(InputError, match=r"a\.bmp is damaged: [^\n]+\.$"):
            read_image(tmp_path / "a.bmp")
    monkeypatch.setattr(PillowFile, "__init__", fail)
    with pytest.raises(InputError, match=r"a\.bmp is damaged"):
        image_size(tmp_path / "a.bmp")


def test_too_little_memory_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    Image.fromarray(RGB).save(tmp_path / "a.bmp")
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(InputError, match=r"a\.bmp is damaged, or there is not enough memory"):
        read_image(tmp_path / "a.bmp")


def test_interruptions_pass(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.bmp")
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / "a.bmp"):
        raise KeyboardInterrupt


@pytest.mark.timeout(10)
def test_pipes_sockets_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.png"))
    (tmp_path / "device.png").symlink_to("/dev/zero")
    for name in ("fifo.png", "socket.png", "device.png"):
        with pytest.raises(InputError, match=f"{name} is a pipe, socket or device"):
            image_size(tmp_path / name)


def test_no_other_decoder_is_ever_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("an interpreter was started"))
    Image.fromarray(RGB).save(tmp_path / "a.eps")
    contents = {
        "eps": (tmp_path / "a.eps").read_bytes(),
        "pdf": b"%PDF-1.4\n",
        "fits": b"SIMPLE  =                    T",
        "empty": b"",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.png").write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}\.png is (not an image|empty)"):
            read_image(tmp_path / f"{name}.png")
    Image.fromarray(RGB).save(tmp_path / "icon.ico")
    with pytest.raises(InputError, match="is not an image"):
        read_image(tmp_path / "icon.ico")


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("PNG", "TIFF", "BMP"):
        Image.fromarray(RGB).save(tmp_path / "a.jpg", format=name)
        assert np.array_equal(read_image(tmp_path / "a.jpg"), RGB)


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("a\0b.png", "x" * 300 + ".png"):
        with pytest.raises(InputError):
            image_size(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        image_size(tmp_path / "a.png")
