from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.orientation import upright
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import image_size, read_image
from splatsr.image_files.tiff_file import TiffFile

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (16, 24, 3)).astype(np.uint8)
ALPHA = RANDOM.integers(1, 256, (16, 24)).astype(np.uint8)


def wide(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.uint16) * 257


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("make", [np.asarray, wide])
def test_planes_and_pixels_of_8_and_16_bits(tmp_path: Path, planar: str, order: str, compression: str | None, make) -> None:
    pixels = make(RGB).transpose(2, 0, 1) if planar == "separate" else make(RGB)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", planarconfig=planar, byteorder=order, compression=compression
    )
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("make", [np.asarray, wide])
def test_differences(tmp_path: Path, order: str, make) -> None:
    tifffile.imwrite(tmp_path / "a.tif", make(RGB), photometric="rgb", byteorder=order, compression="zlib", predictor=2)
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 4}, {"compression": "zlib", "rowsperstrip": 4}, {"tile": (16, 16)}])
@pytest.mark.parametrize("make", [np.asarray, wide])
def test_parts_that_are_missing_are_not_black(tmp_path: Path, options: dict, make) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, make(RGB), photometric="rgb", metadata=None, **options)
    assert np.array_equal(read_image(path), RGB)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"a\.tif is damaged"):
        read_image(path)
    tifffile.imwrite(path, make(RGB), photometric="rgb", metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(1600)
    with pytest.raises(InputError, match=r"a\.tif is damaged"):
        read_image(path)


@pytest.mark.parametrize("mode", ["1", "L", "YCbCr"])
def test_what_pillow_would_leave_black_is_damaged(tmp_path: Path, mode: str) -> None:
    Image.fromarray(RGB).convert(mode).save(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(1600)
    with pytest.raises(InputError, match=r"a\.tif is damaged"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("make", [np.asarray, wide])
def test_white_is_zero(tmp_path: Path, make) -> None:
    tifffile.imwrite(tmp_path / "a.tif", make(RGB[..., 0]), photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "a.tif"), np.repeat(255 - RGB[..., :1], 3, axis=2))


@pytest.mark.parametrize("make", [np.asarray, wide])
def test_alpha_straight_and_premultiplied(tmp_path: Path, make) -> None:
    top = 255 if make is np.asarray else 65535
    rgb, alpha = make(RGB), make(ALPHA)
    straight = np.dstack([rgb, alpha])
    multiplied = np.dstack([np.round(rgb * (alpha[..., None] / top)).astype(rgb.dtype), alpha])
    for pixels, kind in ((straight, "unassalpha"), (multiplied, "assocalpha")):
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=[kind])
        picture = read_picture(tmp_path / "a.tif")
        assert np.array_equal(picture.alpha, alpha)
        error = np.abs(picture.colors.astype(int) - rgb)[ALPHA > 64]
        assert error.max() <= (0 if kind == "unassalpha" else 2)


def test_a_sample_that_nobody_explains_is_no_alpha(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([RGB, ALPHA]), photometric="rgb", extrasamples=["unspecified"])
    picture = read_picture(tmp_path / "a.tif")
    assert picture.alpha is None
    assert np.array_equal(picture.colors, RGB)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_what_pillow_writes(tmp_path: Path, compression: str) -> None:
    y, x = np.mgrid[0:48, 0:64]
    smooth = np.stack([2 * x + y, 200 - 2 * y, 100 + x], -1).astype(np.uint8)
    for mode in ("RGB", "L", "CMYK", "YCbCr", "1", "P"):
        if compression == "jpeg" and mode in ("1", "P"):
            continue
        image = Image.fromarray(smooth).convert(mode)
        image.save(tmp_path / "a.tif", compression=compression)
        difference = read_image(tmp_path / "a.tif").astype(int) - np.asarray(image.convert("RGB"))
        assert np.abs(difference).mean() < (4 if compression == "jpeg" else 0.5), mode


@pytest.mark.parametrize("orientation", range(1, 9))
def test_palettes_are_turned(tmp_path: Path, orientation: int) -> None:
    """(Pillow turns those wrong that it maps into memory.)"""
    image = Image.fromarray(RGB).convert("P")
    image.save(tmp_path / "a.tif", compression="raw", tiffinfo={274: orientation})
    expected = upright(np.asarray(image.convert("RGB")), orientation)
    assert image_size(tmp_path / "a.tif") == expected.shape[:2]
    assert np.array_equal(read_image(tmp_path / "a.tif"), expected)


def test_pixels_that_nobody_reads_are_no_damage(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", compression="tiff_lzw")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["BitsPerSample"].overwrite((4, 4, 4))
    with pytest.raises(InputError, match="holds pixels of a kind that is rarely met, which are not read"):
        read_image(tmp_path / "a.tif")


def test_lzw_of_16_bits(tmp_path: Path) -> None:
    Image.fromarray(wide(RGB[..., 0])).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert np.array_equal(read_image(tmp_path / "a.tif"), np.repeat(RGB[..., :1], 3, axis=2))


def test_twelve_bits_are_scaled(tmp_path: Path) -> None:
    levels = np.array([[0, 4095, 2048, 1024]], np.uint16)
    packed = bytes.fromhex("".join(f"{level:03x}" for level in levels[0]))
    tifffile.imwrite(tmp_path / "a.tif", np.frombuffer(packed, np.uint8)[None], photometric="minisblack", metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        for tag, value in (("ImageWidth", 4), ("BitsPerSample", 12)):
            file.pages.first.tags[tag].overwrite(value)
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 255, 128, 64]


@pytest.mark.parametrize(
    ("pixels", "what"),
    [
        (RGB[..., 0].astype(np.float32), "floating-point numbers of 32 bits"),
        (RGB[..., 0].astype(np.float16), "floating-point numbers of 16 bits"),
        (RGB[..., 0].astype(np.uint32), "unsigned numbers of 32 bits"),
        (RGB[..., 0].astype(np.int16), "signed numbers of 16 bits"),
        (RGB[..., 0].astype(np.int8), "signed numbers of 8 bits"),
        (RGB[..., 0].astype(np.complex64), "complex numbers of 64 bits"),
    ],
)
def test_numbers_that_do_not_say_what_is_white_are_refused(tmp_path: Path, pixels: np.ndarray, what: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    with pytest.raises(InputError, match=rf"a\.tif holds {what}, which are not read"):
        read_image(tmp_path / "a.tif")


def test_subsampled_ycbcr_that_is_not_compressed_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="ycbcr", subsampling=(1, 1), metadata=None)
    read_image(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["YCbCrSubSampling"].overwrite((2, 2))
    with pytest.raises(InputError, match="YCbCr pixels that are not compressed"):
        read_image(tmp_path / "a.tif")


def test_of_several_pages_the_first_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[:5])]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert TiffFile(tmp_path / "a.tif").count == 2
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)
    assert image_size(tmp_path / "a.tif") == (16, 24)
