"""The fast resize against the rule written out pixel by pixel in exact fractions.

At x2 and x4 weights are binary fractions: floating point is exact, ties too. At x3 they are multiples of 1/81: no ties.
"""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest

from splatsr.resize.levels import eight_bit, unrounded
from splatsr.resize.matlab import resize_matlab, resize_matlab_float

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 8, 3)).astype(np.uint8)


def cubic(t: Fraction) -> Fraction:
    t = abs(t)
    if t <= 1:
        return Fraction(3, 2) * t**3 - Fraction(5, 2) * t**2 + 1
    return -Fraction(1, 2) * t**3 + Fraction(5, 2) * t**2 - 4 * t + 2 if t <= 2 else Fraction(0)


def line(values: list[Fraction], m: int, f: Fraction, border: str) -> list[Fraction]:
    """One row or column of pixels, counted from 1 as in MATLAB, resized without rounding."""
    n, widening = len(values), min(f, Fraction(1))
    out = []
    for x in range(1, m + 1):
        u = x / f + (1 - 1 / f) / 2
        left = floor(u - 2 / widening)
        total, weights = Fraction(0), Fraction(0)
        for tap in range(left, left + ceil(4 / widening) + 2):
            weight = widening * cubic(widening * (u - tap))
            if border == "replicate":
                pixel = min(max(tap, 1), n)
            else:
                pixel = (tap - 1) % (2 * n) + 1
                pixel = pixel if pixel <= n else 2 * n + 1 - pixel
            total += weight * values[pixel - 1]
            weights += weight
        out.append(total / weights)
    return out


def rounded(values: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda value: Fraction(min(max(floor(value + Fraction(1, 2)), 0), 255)))(values)


def by_hand(
    image: np.ndarray, size: tuple[int, int], border: str, *, rounding: bool, scale: Fraction | None = None
) -> np.ndarray:
    """Height first, then width."""
    values = np.vectorize(Fraction)(image.astype(object))
    for axis in (0, 1):
        f = scale or Fraction(size[axis], image.shape[axis])
        values = np.apply_along_axis(lambda row, m=size[axis], f=f: np.array(line(list(row), m, f, border)), axis, values)
        values = rounded(values) if rounding else values
    return values


@pytest.mark.parametrize("border", ["replicate", "symmetric"])
@pytest.mark.parametrize("size", [(6, 4), (4, 3), (3, 2), (5, 8), (24, 16)])
def test_eight_bit_is_the_rule_bit_by_bit(size: tuple[int, int], border: str) -> None:
    expected = by_hand(IMAGE, size, border, rounding=True).astype(np.uint8)
    assert np.array_equal(resize_matlab(IMAGE, size, border=border), expected)


@pytest.mark.parametrize("size", [(6, 4), (5, 3), (17, 9)])
def test_floating_point_is_the_rule_without_rounding(size: tuple[int, int]) -> None:
    expected = by_hand(IMAGE, size, "symmetric", rounding=False).astype(np.float64)
    result = resize_matlab_float(IMAGE / 255, size, border="symmetric")
    np.testing.assert_allclose(255 * result, expected, atol=1e-9)


def test_a_nominal_scale_moves_the_taps() -> None:
    scale = Fraction(10, 27)
    size = ceil(12 * scale), ceil(8 * scale)
    expected = by_hand(IMAGE, size, "symmetric", rounding=False, scale=scale).astype(np.float64)
    result = resize_matlab_float(IMAGE / 255, size, border="symmetric", scale=1 / 2.7)
    np.testing.assert_allclose(255 * result, expected, atol=1e-9)
    assert np.abs(result - resize_matlab_float(IMAGE / 255, size, border="symmetric")).max() > 0.01


def test_the_border_rule_shows_at_the_border_only() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    replicated, mirrored = (resize_matlab(image, (10, 12), border=border) for border in ("replicate", "symmetric"))
    assert not np.array_equal(replicated, mirrored)
    assert np.array_equal(replicated[2:-2, 2:-2], mirrored[2:-2, 2:-2])


def test_constants_stay_constant_and_types_stay() -> None:
    image = np.full((9, 7, 3), 93, np.uint8)
    assert (resize_matlab(image, (4, 3), border="replicate") == 93).all()
    assert resize_matlab_float(unrounded(image), (4, 3), border="symmetric").dtype == np.float32
    assert (eight_bit(resize_matlab_float(unrounded(image), (20, 30), border="symmetric")) == 93).all()
