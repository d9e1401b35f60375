import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from color_profiles import srgb
from splatsr.errors import InputError
from splatsr.image_files import strip_files
from splatsr.image_files.picture import Extras, read_picture
from splatsr.image_files.strip_files import Layout, longest_side, write_strips

PROFILE = srgb()


def pixels(channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    """Smooth and noisy rows, so that either filter is the better one somewhere."""
    noise = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (40, 31, channels), dtype, endpoint=True)
    noise[:20] = np.arange(31, dtype=dtype)[None, :, None] * 8 + np.arange(20, dtype=dtype)[:, None, None]
    return noise


RGB8 = Layout((40, 31), 3, 8)


def in_strips(image: np.ndarray, count: int) -> Iterator[np.ndarray]:
    return (image[top : top + count] for top in range(0, len(image), count))


def some_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update({0x829A: 0.01, 0x9003: "2020:02:03 04:05:06"})
    exif.get_ifd(0x8825)[1] = "N"
    return exif


NOTHING = Extras(None, Image.Exif())


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp", "a.ppm", "a.jpg", "a.jfif", "a.avif", "a.jp2"])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_written_in_strips_is_read_by_others(tmp_path: Path, name: str, channels: int) -> None:
    image = pixels(channels)
    if channels == 4 and Path(name).suffix in (".bmp", ".ppm", ".jpg", ".jfif"):
        pytest.skip("no alpha in this format")
    write_strips(tmp_path / name, in_strips(image, 7), Layout(image.shape[:2], channels, 8), NOTHING)
    with Image.open(tmp_path / name) as read:
        made = np.asarray(read)
    assert made.shape == image.shape
    if name in ("a.png", "a.tif", "a.bmp", "a.ppm", "a.jp2"):
        assert np.array_equal(made, image)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_of_pixel_comes_back(tmp_path: Path, name: str, channels: int, dtype: type) -> None:
    image = pixels(channels, dtype)
    layout = Layout((40, 31), channels, 8 * image.itemsize)
    write_strips(tmp_path / name, in_strips(image, 7), layout, NOTHING)
    made = read_picture(tmp_path / name)
    parts = [made.colors] if made.alpha is None else [made.colors, made.alpha]
    assert np.array_equal(np.dstack(parts), image)
    if name == "a.tif":
        assert np.array_equal(tifffile.imread(tmp_path / name).reshape(image.shape), image)
    elif dtype == np.uint8 or channels == 1:
        with Image.open(tmp_path / name) as read:
            assert np.array_equal(np.asarray(read).reshape(image.shape), image)


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp", "a.ppm", "a.jp2"])
def test_grey_is_written_as_grey(tmp_path: Path, name: str) -> None:
    write_strips(tmp_path / name, in_strips(pixels(1), 7), Layout((40, 31), 1, 8), NOTHING)
    with Image.open(tmp_path / name) as read:
        assert read.mode == "L"


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif"])
def test_quality_changes_the_length(tmp_path: Path, name: str) -> None:
    lengths = []
    for quality in (20, 80, 95, None):
        write_strips(tmp_path / name, in_strips(pixels(), 7), RGB8, NOTHING, quality=quality)
        lengths.append((tmp_path / name).stat().st_size)
    assert lengths[0] < lengths[1] < lengths[2] == lengths[3]


def test_the_strips_heights_change_nothing(tmp_path: Path) -> None:
    for count in (1, 7, 40):
        write_strips(tmp_path / f"{count}.png", in_strips(pixels(), count), RGB8, NOTHING)
        write_strips(tmp_path / f"{count}.tif", in_strips(pixels(), count), RGB8, NOTHING)
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"{count}.png")), pixels())
        assert (tmp_path / f"{count}.tif").read_bytes() == (tmp_path / "1.tif").read_bytes()


def test_tiff_strips_of_several_rows_and_beyond_four_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip_files, "TIFF_STRIP", 31 * 3 * 6)
    monkeypatch.setattr(strip_files, "CLASSIC_TIFF", 1000)
    write_strips(tmp_path / "a.tif", in_strips(pixels(), 7), RGB8, Extras(PROFILE, some_exif()))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert file.pages.first.rowsperstrip == 6
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.tif")), pixels())
    assert read_picture(tmp_path / "a.tif").extras.exif.get_ifd(0x8769)[0x829A] == 0.01


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp", "a.avif"])
def test_profile_and_exif_are_kept(tmp_path: Path, name: str) -> None:
    write_strips(tmp_path / name, in_strips(pixels(), 7), RGB8, Extras(PROFILE, some_exif()))
    extras = read_picture(tmp_path / name).extras
    assert extras.icc_profile == PROFILE
    assert extras.exif[0x010F].strip("\0") == "Maker"
    assert extras.exif.get_ifd(0x8769)[0x829A] == pytest.approx(0.01)
    assert extras.exif.get_ifd(0x8769)[0x9003] == "2020:02:03 04:05:06"
    assert extras.exif.get_ifd(0x8825)[1] == "N"


def test_filters_make_smooth_images_small(tmp_path: Path) -> None:
    y, x = np.mgrid[0:300, 0:300]
    smooth = np.stack([np.sin(x / 30 + c) * np.cos(y / 40) * 100 + 128 for c in range(3)], -1).astype(np.uint8)
    write_strips(tmp_path / "a.png", in_strips(smooth, 64), Layout((300, 300), 3, 8), NOTHING)
    assert (tmp_path / "a.png").stat().st_size < 0.6 * len(zlib.compress(smooth.tobytes(), 9))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    def interrupted() -> Iterator[np.ndarray]:
        yield pixels()[:20]
        raise error

    with pytest.raises(error):
        write_strips(tmp_path / name, interrupted(), RGB8, NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_exif_that_is_too_long_for_a_jpeg_stays_behind_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exif = some_exif()
    exif.get_ifd(0x8769)[0x927C] = bytes(70_000)
    for name in ("a.jpg", "a.png"):
        write_strips(tmp_path / name, in_strips(pixels(), 7), RGB8, Extras(PROFILE, exif))
    assert "a.jpg: its EXIF of 70" in caplog.text
    assert len(read_picture(tmp_path / "a.jpg").extras.exif) == 0
    assert read_picture(tmp_path / "a.jpg").extras.icc_profile == PROFILE
    assert len(read_picture(tmp_path / "a.png").extras.exif.get_ifd(0x8769)[0x927C]) == 70_000


@pytest.mark.parametrize("kind", [ValueError, OSError, KeyError])
def test_an_encoder_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind("too\nlarge")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(InputError, match=r"a\.bmp cannot be written: .*too\\+nlarge"):
        write_strips(tmp_path / "a.bmp", in_strips(pixels(), 7), RGB8, NOTHING)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65535), (".JFIF".lower(), 65535), (".webp", 16383), (".ppm", None)])
def test_the_longest_sides(suffix: str, side: int | None) -> None:
    assert longest_side(suffix) == side
