import struct
import threading
import warnings
from pathlib import Path

import pytest
from PIL import Image

from png_chunks import SIGNATURE, chunk
from splatsr.errors import InputError
from splatsr.image_files.pillow_limits import without_limits
from splatsr.image_files.reading import image_size


def test_inside_there_is_no_limit_and_afterwards_all_is_as_before() -> None:
    before, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    with pytest.raises(KeyError), without_limits(), without_limits():
        assert Image.MAX_IMAGE_PIXELS is None
        raise KeyError
    assert before == Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters


def test_threads_that_overlap_do_not_leave_it_off() -> None:
    before, inside, go_on = Image.MAX_IMAGE_PIXELS, threading.Event(), threading.Event()

    def decode() -> None:
        with without_limits():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=decode)
    with without_limits():
        thread.start()
        inside.wait(10)
    assert Image.MAX_IMAGE_PIXELS is None
    go_on.set()
    thread.join()
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm"])
def test_two_hundred_megapixels_are_no_bomb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        path.write_bytes(SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)))
    elif suffix == ".ppm":
        path.write_bytes(b"P6 20000 10000 255\n")
    else:
        Image.new("RGB", (1, 1)).save(path)
        path.write_bytes(path.read_bytes()[:18] + struct.pack("<ii", 20_000, 10_000) + path.read_bytes()[26:])
    assert image_size(path) == (10_000, 20_000)


def test_a_limit_that_is_memory_is_said(tmp_path: Path) -> None:
    from splatsr.image_files.reading import read_image

    header = struct.pack(">IIBBBBB", 2_000_000, 2_000_000, 1, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(InputError, match=r"a\.png is 2000000x2000000 pixels, which take about .* GiB of memory to decode, and"):
        read_image(tmp_path / "a.png")
