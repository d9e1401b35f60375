"""What sixteen pixels get of a kernel, row by row and in strips."""

import numpy as np
import pytest
from numba import njit
from numpy.polynomial import polynomial

from splatsr.simd.lanes import LANES
from splatsr.splatting.reference import CUT
from splatsr.splatting.vector_code import (
    CHUNK,
    COEFFICIENTS,
    FARTHEST,
    GROWTH,
    HIGH,
    LIMIT,
    LOW,
    add_high_strip,
    add_low_strip,
)


@njit
def low_strip(image, at, columns, pitch, colors, channels, dx, dy, slope, grow, steep, bend) -> None:
    add_low_strip(image, at, columns, pitch, colors, 0, channels, dx, dy, slope, grow, steep, bend)


@njit
def high_strip(image, at, columns, pitch, colors, channels, dx, dy, slope, grow, steep, bend) -> None:
    add_high_strip(image, at, columns, pitch, colors, 0, channels, dx, dy, slope, grow, steep, bend)


def test_the_polynomial_is_the_exponential_to_float32_rounding() -> None:
    z = np.linspace(0, LIMIT, 1001)
    relative = polynomial.polyval(z, COEFFICIENTS) / np.exp(-z) - 1
    assert np.abs(8 * relative).max() < 2**-23, "exp(-q) is the eighth power"


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(("strip", "steps"), [(low_strip, LOW), (high_strip, HIGH)])
def test_a_strip_is_the_gaussian_up_to_the_cut(strip, steps: int, channels: int) -> None:
    random = np.random.default_rng(steps + channels)
    worst = 0.0
    for _ in range(300):
        columns = int(random.integers(1, CHUNK + 1))
        l22 = steps / FARTHEST * 10 ** random.uniform(0, 1.5)
        l11 = 10 ** random.uniform(-0.5, 2)
        slope = random.uniform(-1, 1) * min(GROWTH * l22**2 / (columns * LANES), 3.0)
        dx, dy = random.uniform(-3 * l11 - LANES, 0), random.uniform(-2 * l22, 2 * l22)
        colors, (dx, dy, slope, grow, steep) = random.random(channels).astype(np.float32), (
            np.float32(value) for value in (dx, dy, slope, 1 / l11, 1 / l22)
        )  # fmt: skip
        pitch = 2 * steps * channels * LANES
        image = np.zeros(columns * pitch, np.float32)
        middle = steps * channels * LANES
        bend = np.float32(np.exp(-(float(steep) ** 2)))
        strip(image, middle, columns, pitch, colors, channels, dx, dy, slope, grow, steep, bend)
        found = image.reshape(columns, 2 * steps, channels, LANES).transpose(2, 1, 0, 3).reshape(channels, 2 * steps, -1)
        x = float(dx) + np.arange(columns * LANES)
        y = float(dy) + np.arange(-steps, steps)[:, None]
        q = 0.5 * ((x * float(grow)) ** 2 + ((y - float(slope) * x) * float(steep)) ** 2)
        expected = np.where(q <= CUT, np.exp(-q), 0.0) * colors[:, None, None]
        worst = max(worst, np.abs(found - expected)[:, np.abs(q - CUT) > 1e-4].max())
    assert worst < 3e-5, "a hundredth of a level; a kernel wide and thin is the worst"
