"""The loops by themselves; that they compute what torch does is tested in test_branches.py."""

import numpy as np
import pytest

from splatsr.encoders.window_loops import apply_layer, load_normalised, mix_channels
from splatsr.simd.lanes import LANES

DRAW = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return DRAW.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("outputs", [1, 5, 6, 13])
def test_a_layer_is_a_product_for_every_panel(outputs: int) -> None:
    """Rows are computed six, four and one at a time: these numbers of outputs need them all."""
    inputs, panels = 7, 3
    weight, bias, x = values(outputs, inputs), values(outputs), values(panels, inputs, LANES)
    y = np.empty(panels * outputs * LANES, np.float32)
    apply_layer(weight.ravel(), bias, inputs, outputs, x.ravel(), panels, y)
    np.testing.assert_allclose(y.reshape(panels, outputs, LANES), weight @ x + bias[:, None], atol=1e-5)


def test_a_panel_that_pixels_do_not_fill_is_padded_with_zeros_before_the_norm() -> None:
    grid, count, shift = values(20, 8) + 3, 5, values(8)
    panel = np.full(8 * LANES, np.nan, np.float32)
    load_normalised(grid, np.arange(20), 10, count, np.ones(8, np.float32), shift, np.float32(1e-5), panel)
    columns = panel.reshape(8, LANES)
    rows = grid[10 : 10 + count]
    expected = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5) + shift
    np.testing.assert_allclose(columns[:, :count], expected.T, atol=1e-5)
    np.testing.assert_allclose(columns[:, count:], np.repeat(shift[:, None], LANES - count, 1))


def test_a_range_of_pixels_writes_these_and_no_others() -> None:
    channels, hidden, first, end = 6, 9, 10, 33
    grid = values(50, channels)
    arguments = (
        grid, np.arange(50), np.ones(channels, np.float32), np.zeros(channels, np.float32), np.float32(1e-5),
        values(hidden, channels).ravel(), values(hidden), values(channels, hidden).ravel(), values(channels), 2,
    )  # fmt: skip
    whole, part = np.empty_like(grid), np.full_like(grid, np.nan)
    mix_channels(*arguments, 0, 50, whole)
    mix_channels(*arguments, first, end, part)
    np.testing.assert_array_equal(part[first:end], whole[first:end])
    assert np.isnan(part[:first]).all()
    assert np.isnan(part[end:]).all()
