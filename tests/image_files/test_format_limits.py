from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from color_profiles import grey, srgb
from splatsr.image_files.format_limits import as_format_holds
from splatsr.image_files.picture import Extras, Picture


def picture(channels: int, dtype: type, *, alpha: bool, profile: bytes | None = None) -> Picture:
    colors = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (4, 5, channels), dtype)
    return Picture(colors, colors[..., 0] if alpha else None, Extras(profile, Image.Exif()), None)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF"])
def test_png_and_tiff_hold_all(name: str) -> None:
    for channels in (1, 3):
        for dtype in (np.uint8, np.uint16):
            kept = picture(channels, dtype, alpha=True, profile=srgb())
            assert as_format_holds(kept, Path(name)) == (kept, [])


@pytest.mark.parametrize(
    ("name", "kind", "lost"),
    [
        ("a.jpg", "8-bit grey", ["alpha is dropped, .jpg files have none", "16 bits become 8, .jpg"]),
        ("a.bmp", "8-bit grey", ["alpha is dropped, .bmp files have none", "16 bits become 8, .bmp"]),
        ("a.ppm", "8-bit grey", ["alpha is dropped, .ppm files have none", "16 bits become 8, .ppm"]),
        ("a.webp", "8-bit RGB with alpha", ["16 bits become 8, .webp"]),
        ("a.avif", "8-bit RGB with alpha", ["16 bits become 8, .avif"]),
        ("a.jp2", "8-bit grey with alpha", ["16 bits become 8, .jp2"]),
    ],
)
def test_others_lose_what_they_have_no_place_for_and_it_is_said(name: str, kind: str, lost: list[str]) -> None:
    made, said = as_format_holds(picture(1, np.uint16, alpha=True), Path(name))
    assert made.kind == kind
    assert len(said) == len(lost)
    assert all(part in line for part, line in zip(lost, said, strict=True))


def test_grey_with_a_profile_becomes_the_rgb_that_it_means() -> None:
    made, said = as_format_holds(picture(1, np.uint8, alpha=False, profile=grey(1.0)), Path("a.webp"))
    assert said == []
    assert made.extras.icc_profile is None
    assert made.colors.shape == (4, 5, 3)
    assert made.colors.mean() > picture(1, np.uint8, alpha=False).colors.mean()  # linear light looks darker as it is
