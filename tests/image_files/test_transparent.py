import numpy as np
import pytest

from splatsr.image_files.transparent import continued_colors


def picture(dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A red field with an opaque blue disc, the rest transparent; odd sides."""
    y, x = np.mgrid[0:37, 0:51]
    top = np.iinfo(dtype).max
    inside = (y - 18) ** 2 + (x - 20) ** 2 < 100
    colors = np.where(inside[..., None], [0, 0, top], [top, 0, 0]).astype(dtype)
    return colors, np.where(inside, top, 0).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_pixels_take_the_color_of_opaque_ones(dtype: type) -> None:
    colors, alpha = picture(dtype)
    made = continued_colors(colors, alpha)
    assert made.dtype == dtype
    assert (made == np.array([0, 0, np.iinfo(dtype).max])).all()


def test_the_nearest_ones() -> None:
    colors = np.zeros((8, 64, 1), np.uint8)
    colors[:, 40:] = 200
    alpha = np.zeros((8, 64), np.uint8)
    alpha[:, :8] = alpha[:, 56:] = 255
    made = continued_colors(colors, alpha)[..., 0]
    assert made[0, 10] == 0
    assert made[0, 54] == 200
    assert (np.diff(made[0].astype(int)) >= 0).all()


def test_opaque_pixels_keep_their_color_and_half_transparent_ones_lean_on_their_neighbours() -> None:
    random = np.random.default_rng(0)
    colors = random.integers(0, 256, (9, 13, 3)).astype(np.uint8)
    alpha = random.choice(np.array([0, 128, 255], np.uint8), (9, 13))
    made = continued_colors(colors, alpha)
    assert np.array_equal(made[alpha == 255], colors[alpha == 255])
    colors[:], alpha[:] = 90, 255
    colors[4, 4], alpha[4, 4] = 200, 51
    assert np.abs(continued_colors(colors, alpha)[4, 4].astype(int) - (90 + 110 * 0.2)).max() <= 8


@pytest.mark.parametrize("level", [0, 255])
def test_what_is_transparent_or_opaque_everywhere_stays(level: int) -> None:
    colors, alpha = picture()
    alpha[:] = level
    assert continued_colors(colors, alpha) is colors
