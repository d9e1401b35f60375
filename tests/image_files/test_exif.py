import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatsr.image_files.exif import exif_of, exif_to_keep, is_empty, with_size
from splatsr.image_files.picture import read_picture

PATH = Path("a.jpg")


def full() -> Image.Exif:
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "Maker", 282: 300.0, 283: 300.0, 296: 2})
    exif.get_ifd(0x8769).update({0x829A: 0.01, 0xA002: 4000, 0xA003: 3000})
    exif.get_ifd(0x8825)[1] = "N"
    return Image.Exif() if exif is None else exif_of(exif.tobytes(), PATH)


def test_sizes_resolution_and_orientation_are_not_the_old_pictures() -> None:
    kept = exif_of(with_size(exif_to_keep(full(), PATH), (70, 90)).tobytes(), PATH)
    assert set(kept) == {0x010F, 0x8769, 0x8825}
    assert kept.get_ifd(0x8769) == {0x829A: pytest.approx(0.01), 0xA002: 90, 0xA003: 70}
    assert kept.get_ifd(0x8825)[1] == "N"


def test_what_has_no_exif_gets_none() -> None:
    empty = with_size(exif_to_keep(Image.Exif(), PATH), (70, 90))
    assert is_empty(empty)
    only_orientation = Image.Exif()
    only_orientation[0x0112] = 6
    assert is_empty(with_size(exif_to_keep(only_orientation, PATH), (70, 90)))
    assert not is_empty(full())


def test_a_thumbnail_stays_behind() -> None:
    small = io.BytesIO()
    Image.new("RGB", (8, 8), (250, 0, 0)).save(small, "JPEG")
    own = full().tobytes()
    kept = exif_to_keep(exif_of(own + small.getvalue(), PATH), PATH).tobytes()
    assert b"\xff\xd8\xff" not in kept


@pytest.mark.parametrize("length", [3, 9, 12, 20, 40, 80, 120])
def test_exif_cut_short_is_left_out_or_read_as_far_as_it_goes(length: int) -> None:
    exif_to_keep(exif_of(full().tobytes()[:length], PATH), PATH).tobytes()


def test_values_that_cannot_be_written_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    exif = Image.Exif()
    exif[0x010F] = object()
    assert is_empty(exif_to_keep(exif, Path("odd.jpg")))
    assert "odd.jpg: its EXIF is damaged and left out" in caplog.text


@pytest.mark.parametrize("kind", [2, 7])
def test_an_orientation_of_the_wrong_type_loses_no_picture(tmp_path: Path, kind: int) -> None:
    tag = b"\x12\x01" + bytes([kind, 0]) + b"\x02\0\0\x006\0\0\0"
    Image.fromarray(np.full((6, 8, 3), 90, np.uint8)).save(
        tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    )
    assert read_picture(tmp_path / "a.jpg").colors.shape == (6, 8, 3)
