import numpy as np
import pytest

from splatsr.image_files.png_color import SRGB, Primaries, is_srgb, to_srgb

LEVELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
P3 = Primaries(0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)


def test_srgb_is_known_as_writers_round_it() -> None:
    assert is_srgb(None, None)
    assert is_srgb(0.45455, SRGB)
    assert is_srgb(0.45, Primaries(*(value + 0.001 for value in SRGB)))
    assert not is_srgb(1.0, None)
    assert not is_srgb(None, P3)


def test_srgbs_own_primaries_change_nothing_and_any_primaries_leave_grey() -> None:
    assert np.array_equal(to_srgb(LEVELS, None, SRGB), LEVELS)
    grey = np.repeat(LEVELS[..., :1], 3, axis=2)
    assert np.abs(to_srgb(grey, None, P3).astype(int) - grey).max() <= 1
    assert np.abs(to_srgb(grey, None, P3._replace(white_x=0.3457, white_y=0.3585)).astype(int) - grey).max() <= 1


def test_display_p3_as_others_convert_it() -> None:
    """P3 (0.5, 0.5, 0.25) is sRGB (0.5093, 0.4989, 0.2027): by CSS Color 4's matrices."""
    level = np.array([[[128, 128, 64]]], np.uint8)
    made = to_srgb(level, None, P3)[0, 0] / 255
    linear = ((level[0, 0] / 255 + 0.055) / 1.055) ** 2.4
    matrix = np.array([[1.22494, -0.22494, 0], [-0.042057, 1.042057, 0], [-0.019638, -0.078636, 1.098274]])
    expected = 1.055 * (matrix @ linear) ** (1 / 2.4) - 0.055
    assert made == pytest.approx(expected, abs=0.004)


def test_sixteen_bits_stay_sixteen_bits() -> None:
    made = to_srgb(np.array([[[0, 32768, 65535]]], np.uint16), 1.0, None)
    assert made.dtype == np.uint16
    assert made[0, 0].tolist() == pytest.approx([0, 48193, 65535], abs=1)
