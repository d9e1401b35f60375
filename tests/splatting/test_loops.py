"""The CPU renderer's loops by themselves; that they render what the reference does is tested in test_splat.py."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from splatsr.simd.lanes import LANES
from splatsr.splatting.loops import BAND, DIRECT, SUPPORT, list_strips, shape_kernels, sort_into_bands
from splatsr.splatting.reference import CUT
from splatsr.splatting.shape_entries import SHAPE
from splatsr.splatting.vector_code import CHUNK, FARTHEST, GROWTH

FAR = np.float32(np.inf)
"""There is no window."""


@given(
    images=st.lists(
        st.lists(st.tuples(st.integers(0, 79), st.integers(0, 40)), min_size=20, max_size=20), min_size=1, max_size=3
    )
)
def test_every_band_lists_the_kernels_that_touch_it_in_order(images: list[list[tuple[int, int]]]) -> None:
    height = 80
    bands = height // BAND
    rows = np.array([(top, min(top + length, height)) for spans in images for top, length in spans], np.int32)
    counts = np.empty(len(images) * bands + 1, np.int64)
    sort_into_bands(rows, 20, counts, np.empty(0, np.int32))
    order = np.empty(counts[-1], np.int32)
    if len(order):
        sort_into_bands(rows, 20, counts, order)
    for task in range(len(images) * bands):
        image, band = divmod(task, bands)
        top, bottom = band * BAND, (band + 1) * BAND
        own = range(20 * image, 20 * image + 20)
        touching = [k for k in own if rows[k, 0] < rows[k, 1] and rows[k, 0] < bottom and rows[k, 1] > top]
        assert order[counts[task] : counts[task + 1]].tolist() == touching


@given(
    centre=st.tuples(st.floats(-(2.0**50), 2.0**50, width=32), st.floats(-(2.0**50), 2.0**50, width=32)),
    exponents=st.tuples(st.floats(-6, 15), st.floats(-6, 15), st.floats(-6, 15)),
    is_left=st.booleans(),
)
def test_no_strip_leaves_the_image(centre: tuple[float, float], exponents: tuple[float, ...], is_left: bool) -> None:
    height, width = 40, 320
    l11, l21, l22 = (10.0**exponent for exponent in exponents)
    means = np.array(
        [centre, (0, -0.5 * l21), (0.5 * l21, 0.5 * l21)], np.float32
    )  # far away, and touching the image from there
    cholesky = np.array([(l11, -l21 if is_left else l21, l22)] * 3, np.float32)
    shapes, rows = np.empty((SHAPE, 3), np.float32), np.empty((3, 2), np.int32)
    shape_kernels(means, cholesky, height, width, SUPPORT, FAR, FAR, 0, 3, shapes, rows)
    assert ((rows >= 0) & (rows <= height)).all()
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        order = np.flatnonzero((rows[:, 0] < bottom) & (rows[:, 1] > top) & (rows[:, 0] < rows[:, 1])).astype(np.int32)
        strips = np.empty((6, 5), np.int32)
        for _, steps, row, first, end in strips[: list_strips(shapes, rows, order, width, top, bottom, strips)]:
            assert top <= row - steps < bottom
            assert first >= end or (first >= 0 and end <= width // LANES)


@given(
    centre=st.tuples(st.floats(-20, 340, width=32), st.floats(-20, 60, width=32)),
    deviations=st.tuples(st.floats(0.25, 120, width=32), st.floats(-120, 120, width=32), st.floats(0.25, 120, width=32)),
)
def test_strips_cover_what_a_kernel_colors_and_are_made_for_it(
    centre: tuple[float, float], deviations: tuple[float, float, float]
) -> None:
    height, width = 40, 320
    means, cholesky = np.array([centre], np.float32), np.array([deviations], np.float32)
    shapes, rows = np.empty((SHAPE, 1), np.float32), np.empty((1, 2), np.int32)
    shape_kernels(means, cholesky, height, width, SUPPORT, FAR, FAR, 0, 1, shapes, rows)
    (cx, cy), (l11, l21, l22) = means[0].astype(float), cholesky[0].astype(float)
    y, x = np.mgrid[:height, :width] + 0.5
    u = (x - cx) / l11
    colored = 0.5 * (u**2 + ((y - cy - l21 * u) / l22) ** 2) <= CUT * (1 - 1e-4)
    covered = np.zeros((height, width), bool)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        if not (rows[0, 0] < bottom and rows[0, 1] > top):
            continue
        strips = np.empty((2, 5), np.int32)
        for _, steps, row, first, end in strips[: list_strips(shapes, rows, np.zeros(1, np.int32), width, top, bottom, strips)]:
            columns = slice(first * LANES, max(0, end * LANES))
            if steps == DIRECT:
                covered[row : min(rows[0, 1], bottom), columns] = True
                continue
            assert steps <= FARTHEST * l22
            assert min(end - first, CHUNK) * LANES * abs(l21 / l11) / l22**2 <= 1.01 * GROWTH
            covered[max(top, row - steps) : min(row + steps, bottom), columns] = True
    assert not (colored & ~covered).any()
