from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from color_profiles import grey, inks, srgb
from splatsr.errors import InputError
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import read_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
ALPHA = np.random.default_rng(1).integers(0, 256, (6, 8)).astype(np.uint8)


def test_rgb_is_that_of_read_image_and_alpha_comes_beside_it(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([RGB, ALPHA])).save(tmp_path / "rgba.png")
    Image.fromarray(RGB).save(tmp_path / "rgb.png")
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(tmp_path / "grey16.png")
    palette = Image.fromarray(RGB).quantize(4)
    palette.save(tmp_path / "palette.png", transparency=3)
    for name in ("rgba.png", "rgb.png", "palette.png"):
        assert np.array_equal(read_picture(tmp_path / name).colors, read_image(tmp_path / name))
    assert np.array_equal(read_picture(tmp_path / "rgba.png").alpha, ALPHA)
    assert read_picture(tmp_path / "rgb.png").alpha is None
    assert read_picture(tmp_path / "grey16.png").alpha is None
    assert np.array_equal(read_picture(tmp_path / "palette.png").alpha, np.where(np.asarray(palette) == 3, 0, 255))


def test_grey_stays_grey_and_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    wide = np.random.default_rng(2).integers(0, 65536, (6, 8, 4)).astype(np.uint16)
    Image.fromarray(wide[..., 0]).save(tmp_path / "grey16.png")
    Image.fromarray(ALPHA).save(tmp_path / "grey.png", icc_profile=grey(1.0))
    Image.fromarray(np.dstack([RGB[..., 0], ALPHA])).save(tmp_path / "both.png")
    tifffile.imwrite(tmp_path / "rgba16.tif", wide, photometric="rgb", extrasamples=["unassalpha"])
    made = {name: read_picture(tmp_path / name) for name in ("grey16.png", "grey.png", "both.png", "rgba16.tif")}
    assert np.array_equal(made["grey16.png"].colors, wide[..., :1])
    assert np.array_equal(made["grey.png"].colors[..., 0], ALPHA)
    assert made["grey.png"].extras.icc_profile == grey(1.0)
    assert np.array_equal(made["both.png"].colors[..., 0], RGB[..., 0])
    assert np.array_equal(made["both.png"].alpha, ALPHA)
    assert np.array_equal(np.dstack([made["rgba16.tif"].colors, made["rgba16.tif"].alpha]), wide)
    kinds = [picture.kind for picture in made.values()]
    assert kinds == ["16-bit grey", "8-bit grey", "8-bit grey with alpha", "16-bit RGB with alpha"]
    assert not any(picture.was for picture in made.values())


def test_what_cannot_stay_as_it_is_has_a_name(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "inks.jpg")
    Image.fromarray(RGB).quantize(4).save(tmp_path / "palette.gif")
    Image.fromarray(ALPHA > 90).save(tmp_path / "bits.tif")
    Image.frombytes("LAB", (3, 1), bytes(9)).save(tmp_path / "lab.tif")
    names = {"inks.jpg": "CMYK", "palette.gif": "a palette", "bits.tif": "1 bit", "lab.tif": "Lab"}
    assert {name: read_picture(tmp_path / name).was for name in names} == names


def test_alpha_is_turned_with_the_picture_and_the_orientation_is_gone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    Image.fromarray(np.dstack([RGB, ALPHA])).save(tmp_path / "turned.png", exif=exif)
    picture = read_picture(tmp_path / "turned.png")
    assert np.array_equal(picture.colors, np.rot90(RGB, -1))
    assert np.array_equal(picture.alpha, np.rot90(ALPHA, -1))
    assert dict(picture.extras.exif) == {0x010F: "Maker"}


def test_a_profile_is_kept_where_it_speaks_of_such_pixels(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "rgb.jpg", icc_profile=srgb())
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg", icc_profile=inks(black=True))
    tifffile.imwrite(tmp_path / "rgb16.tif", RGB.astype(np.uint16) * 257, photometric="rgb", iccprofile=srgb())
    assert read_picture(tmp_path / "rgb.jpg").extras.icc_profile == srgb()
    assert read_picture(tmp_path / "rgb16.tif").extras.icc_profile == srgb()
    assert read_picture(tmp_path / "cmyk.jpg").extras.icc_profile is None


def test_what_describes_the_old_file_is_left_out(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(RGB).save(tmp_path / "a.tif", exif=exif)
    kept = dict(read_picture(tmp_path / "a.tif").extras.exif)
    assert kept.pop(0x010F) == "Maker"
    assert not set(kept) & {256, 257, 258, 259, 273, 279}


def test_damaged_files_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:9000])
    with pytest.raises(InputError, match=r"cut\.png is damaged"):
        read_picture(tmp_path / "cut.png")
