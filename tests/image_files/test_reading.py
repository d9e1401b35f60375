import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.reading import image_size, read_image
from splatsr.image_files.writing import write_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def png16(path: Path, pixels: np.ndarray) -> None:
    """A 16-bit RGB PNG, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def test_eight_bit_rgb_comes_back_as_it_was(tmp_path: Path) -> None:
    write_image(tmp_path / "new" / "a.png", RGB)
    assert np.array_equal(read_image(tmp_path / "new" / "a.png"), RGB)
    assert image_size(tmp_path / "new" / "a.png") == (6, 8)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_grey_is_repeated(tmp_path: Path) -> None:
    Image.fromarray(RGB[..., 0]).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png"), np.repeat(RGB[..., :1], 3, 2))


def test_alpha_is_dropped(tmp_path: Path) -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (6, 8, 1)).astype(np.uint8)
    Image.fromarray(np.concatenate([RGB, alpha], 2)).save(tmp_path / "rgba.png")
    assert np.array_equal(read_image(tmp_path / "rgba.png"), RGB)


def test_palettes_are_looked_up(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=3)
    assert np.array_equal(read_image(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")))


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "grey16.png")
    assert read_image(tmp_path / "grey16.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bit_rgb_png_and_tiff(tmp_path: Path) -> None:
    pixels = RGB.astype(np.uint16) * 257
    png16(tmp_path / "rgb16.png", pixels)
    tifffile.imwrite(tmp_path / "rgb16.tif", pixels, photometric="rgb")
    assert np.array_equal(read_image(tmp_path / "rgb16.png"), RGB)
    assert np.array_equal(read_image(tmp_path / "rgb16.tif"), RGB)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("turned.png", "turned.jpg"):
        Image.fromarray(RGB).save(tmp_path / name, exif=exif, quality=100, subsampling=0)
        assert image_size(tmp_path / name) == read_image(tmp_path / name).shape[:2] == (8, 6)
    assert np.array_equal(read_image(tmp_path / "turned.png"), np.rot90(RGB, -1))


def test_palettes_with_an_alpha_for_every_entry_keep_their_colors(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=bytes(range(0, 160, 10)))
    assert np.array_equal(read_image(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")))


def test_cmyk_is_converted_by_the_formula(tmp_path: Path) -> None:
    ink = np.random.default_rng(0).integers(0, 256, (16, 24, 4)).astype(np.uint8)
    Image.fromarray(ink, "CMYK").save(tmp_path / "cmyk.tif")
    exact = (255.0 - ink[..., :3]) * (255.0 - ink[..., 3:]) / 255
    assert np.abs(read_image(tmp_path / "cmyk.tif") - exact).max() <= 1
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=100, subsampling=0)  # inverted inside, by custom
    assert np.abs(read_image(tmp_path / "cmyk.jpg").astype(int) - RGB).max() <= 3


def test_what_is_not_an_image_is_named(tmp_path: Path) -> None:
    for name in ("text.png", "text.tif"):
        (tmp_path / name).write_text("not an image at all")
        with pytest.raises(InputError, match=f"{name} is not an image"):
            read_image(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_files_are_named(tmp_path: Path, kept: float) -> None:
    big = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    for name in ("cut.png", "cut.jpg"):
        write_image(tmp_path / name, big)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: int(kept * len(content))])
        with pytest.raises(InputError, match=name):
            read_image(tmp_path / name)
