from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from color_profiles import grey, inks, srgb
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import read_image
from splatsr.image_files.rgb import rgb_of
from splatsr.image_files.samples import CMYK, GREY, LAB, RGB, Samples

NAME = Path("a.png")
LEVELS = np.arange(0, 256, 5, dtype=np.uint8).reshape(1, -1, 1)


def samples(values: list, space: str) -> Samples:
    return Samples(np.array([values], np.uint8), space, None)


def test_rgb_is_used_as_it_is_whatever_its_profile_says() -> None:
    values = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    for profile in (None, srgb(), grey(1.0), b"broken"):
        assert np.array_equal(rgb_of(Samples(values, RGB, None), profile, NAME), values)


def test_grey_is_repeated_or_converted_by_its_profile() -> None:
    plain = np.repeat(LEVELS, 3, axis=2)
    for profile in (None, b"broken", srgb(), inks(black=True)):
        assert np.array_equal(rgb_of(Samples(LEVELS, GREY, None), profile, NAME), plain)
    light = LEVELS / 255
    encoded = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(rgb_of(Samples(LEVELS, GREY, None), grey(1.0), NAME) - encoded).max() <= 1.5


@pytest.mark.parametrize("black", [True, False])
def test_inks_follow_their_profile(black: bool) -> None:
    made = rgb_of(samples([[0, 0, 0, 0], [255, 0, 0, 0]], CMYK), inks(black=black), NAME)[0]
    assert made[0].min() >= 253
    assert made[1].max() <= (2 if black else 128)


def test_inks_without_a_usable_profile_follow_the_formula() -> None:
    for profile in (None, b"broken", srgb()):
        made = rgb_of(samples([[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]], CMYK), profile, NAME)[0]
        assert made.tolist() == [[255, 255, 255], [0, 255, 255], [0, 0, 0]]


def test_lab_of_d50() -> None:
    made = rgb_of(samples([[255, 0, 0], [0, 0, 0], [137, 80, 67]], LAB), None, NAME)[0].astype(int)
    assert np.abs(made - [[255, 255, 255], [0, 0, 0], [253, 0, 8]]).max() <= 4


def test_a_lab_tiff(tmp_path: Path) -> None:
    Image.frombytes("LAB", (3, 1), bytes([255, 0, 0, 0, 0, 0, 137, 80, 67])).save(tmp_path / "a.tif")
    assert np.abs(read_image(tmp_path / "a.tif")[0].astype(int) - [[255, 255, 255], [0, 0, 0], [253, 0, 8]]).max() <= 4


def test_what_was_converted_keeps_no_profile(tmp_path: Path) -> None:
    Image.new("CMYK", (4, 4), (9, 9, 9, 9)).save(tmp_path / "inks.tif", icc_profile=inks(black=True))
    assert read_picture(tmp_path / "inks.tif").extras.icc_profile is None
