"""The CPU renderer's loops by themselves; that they render what the reference does is tested in test_splat.py."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import polynomial

from splatsr.splatting.loops import _COEFFICIENTS, _LIMIT, BAND, sort_into_bands


@given(spans=st.lists(st.tuples(st.integers(0, 79), st.integers(0, 40)), max_size=60))
def test_every_band_lists_the_kernels_that_touch_it_in_order(spans: list[tuple[int, int]]) -> None:
    height = 80
    bands = height // BAND
    rows = np.array([(top, min(top + length, height)) for top, length in spans], np.int32).reshape(-1, 2)
    counts = np.empty(bands + 1, np.int64)
    sort_into_bands(rows, counts, np.empty(0, np.int32))
    order = np.empty(counts[-1], np.int32)
    if len(order):
        sort_into_bands(rows, counts, order)
    for band in range(bands):
        top, bottom = band * BAND, (band + 1) * BAND
        touching = [k for k, (first, end) in enumerate(rows) if first < end and first < bottom and end > top]
        assert order[counts[band] : counts[band + 1]].tolist() == touching


def test_the_polynomial_is_the_exponential_to_float32_rounding() -> None:
    z = np.linspace(0, _LIMIT, 1001)
    relative = polynomial.polyval(z, _COEFFICIENTS) / np.exp(-z) - 1
    assert np.abs(8 * relative).max() < 2**-23, "exp(-q) is the eighth power"
