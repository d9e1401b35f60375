"""Every orientation, in every container that can hold one: sizes from headers are the pixels', and these are upright."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from png_chunks import chunk, write_png
from splatsr.image_files.orientation import orientation_of
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import image_size, read_image
from splatsr.image_files.samples import eight_bits

STORED = np.kron(
    np.array([[[250, 20, 20], [20, 250, 20], [20, 20, 250]], [[20, 20, 20], [200, 200, 200], [90, 90, 20]]]),
    np.ones((16, 16, 1)),
)
STORED = STORED.astype(np.uint8)

UPRIGHT = {
    1: STORED,
    2: STORED[:, ::-1],
    3: STORED[::-1, ::-1],
    4: STORED[::-1],
    5: STORED.transpose(1, 0, 2),
    6: STORED[::-1].transpose(1, 0, 2),
    7: STORED[::-1, ::-1].transpose(1, 0, 2),
    8: STORED[:, ::-1].transpose(1, 0, 2),
}
"""TIFF 6.0: what row 0 and column 0 of the stored image are: 6: right side and top."""


def xmp(orientation: int) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


def exif(orientation: object) -> Image.Exif:
    content = Image.Exif()
    content[0x0112] = orientation
    return content


def save(path: Path, orientation: int) -> None:
    """In the container that the file's name says: <what holds the orientation>.<suffix>."""
    image, suffix, xml = Image.fromarray(STORED), path.suffix, b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(orientation)
    if path.stem == "exif_behind":
        write_png(path, STORED, after=chunk(b"eXIf", exif(orientation).tobytes()[6:]))
    elif path.stem == "xmp" and suffix == ".png":
        write_png(path, STORED, before=chunk(b"iTXt", xml))
    elif path.stem == "xmp_behind":
        write_png(path, STORED, after=chunk(b"iTXt", xml))
    elif path.stem == "magick":
        text = f"\nexif\n      32\n{exif(orientation).tobytes().hex()}\n".encode()
        write_png(path, STORED, before=chunk(b"tEXt", b"Raw profile type exif\0" + text))
    elif path.stem == "xmp" and suffix == ".tif":
        tifffile.imwrite(path, STORED, photometric="rgb", extratags=[(700, 1, len(xmp(orientation)), xmp(orientation), True)])
    elif path.stem.startswith("tifffile"):
        tifffile.imwrite(
            path, STORED, photometric="rgb", bigtiff="big" in path.stem, extratags=[(274, 3, 1, orientation, True)]
        )
    elif path.stem == "sixteen":
        tifffile.imwrite(path, STORED.astype(np.uint16) * 257, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    elif path.stem == "lzw":
        image.save(path, compression="tiff_lzw", exif=exif(orientation))
    elif path.stem == "xmp":
        image.save(path, xmp=xmp(orientation), quality=95)
    else:
        image.save(path, exif=exif(orientation), quality=95, format={".jfif": "JPEG"}.get(suffix))


CONTAINERS = (
    "exif.jpg", "exif.jfif", "exif.webp", "exif.avif", "exif.png", "exif.tif", "lzw.tif", "tifffile.tif", "tifffile_big.tif",
    "sixteen.tif", "xmp.tif", "xmp.jpg", "xmp.webp", "xmp.png", "xmp_behind.png", "exif_behind.png", "magick.png",
)  # fmt: skip


@pytest.mark.parametrize("container", CONTAINERS)
def test_sizes_and_pixels_agree_and_are_upright(tmp_path: Path, container: str) -> None:
    for orientation, upright in UPRIGHT.items():
        path = tmp_path / container
        save(path, orientation)
        pixels = read_image(path)
        assert image_size(path) == pixels.shape[:2] == upright.shape[:2]
        assert np.abs(pixels.astype(int) - upright).mean() < 8
        picture = read_picture(path)
        assert np.array_equal(eight_bits(picture.colors), pixels)
        assert 0x0112 not in picture.extras.exif


def test_it_is_what_pillow_honours(tmp_path: Path) -> None:
    for orientation in UPRIGHT:
        save(tmp_path / "exif.png", orientation)
        with Image.open(tmp_path / "exif.png") as image:
            assert np.array_equal(read_image(tmp_path / "exif.png"), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("value", ["6", b"\x06", 0, 9, (6, 6), 6.5, None])
def test_what_is_no_orientation_is_upright(value: object) -> None:
    assert orientation_of(Image.Exif() if value is None else exif(value), None) == 1


def test_exif_comes_before_xmp() -> None:
    assert orientation_of(exif(3), xmp(6)) == 3
    assert orientation_of(Image.Exif(), xmp(6)) == 6
    assert orientation_of(Image.Exif(), b"<broken") == 1
