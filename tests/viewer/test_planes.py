import math
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from splatsr.errors import InputError
from splatsr.geometry import cell_corners
from splatsr.image.field import GaussianField
from splatsr.viewer.planes import STEPS, TAIL, Planes, planes_of


def field_of_size(size: tuple[int, int] = (5, 7), margin: int = 1, per_side: int = 2) -> GaussianField:
    """Random kernels near their cells."""
    corners = cell_corners(size[0] + 2 * margin, size[1] + 2 * margin, per_side)[None] - margin
    count = corners.shape[1]
    return GaussianField(
        means=corners + 0.4 * torch.rand(1, count, 2),
        cholesky=0.2 + 0.2 * torch.rand(1, count, 3),
        colors=torch.rand(1, count, 3) - 0.2,
        size=size,
        margin=margin,
    )


def unpacked(planes: Planes) -> tuple[np.ndarray, np.ndarray]:
    """(Kernels by cell, the tail), read again by a decoder that goes pixel by pixel, as the page's does."""
    streams, start = [], 0
    for length in planes.facts["lengths"]:
        streams.append(zlib.decompress(planes.data[start : start + length]))
        start += length
    assert start == len(planes.data)
    rows, columns = planes.facts["cells"]
    tail = np.frombuffer(streams.pop(), np.float32).reshape(-1, 12)
    if planes.facts["steps"] is None:
        whole = [np.frombuffer(one, np.uint8).reshape(4, -1).T.copy().view(np.float32) for one in streams]
        return np.stack([one.reshape(rows, columns) for one in whole], -1), tail
    values = [_unpredicted(np.frombuffer(one, np.uint8).astype(int), rows, columns) for one in streams]
    for plane in (5, 7):
        values[plane] = (values[plane] + values[6] + 2**15) % 2**16 - 2**15
    return np.stack(values, -1) * np.array(planes.facts["steps"]), tail


def _unpredicted(content: np.ndarray, rows: int, columns: int) -> np.ndarray:
    zigzag = (content[: rows * columns] + 256 * content[rows * columns :]).reshape(rows, columns)
    values = np.zeros((rows + 1, columns + 1), int)
    for row in range(rows):
        for column in range(columns):
            left, above, corner = values[row + 1, column], values[row, column + 1], values[row, column]
            guess = sorted((left, above, left + above - corner))[1]
            rest = zigzag[row, column]
            new = guess + (-(rest + 1) // 2 if rest & 1 else rest // 2)
            values[row + 1, column + 1] = (new + 2**15) % 2**16 - 2**15
    return values[1:, 1:]


def kernels_by_cell(field: GaussianField, per_side: int = 2) -> np.ndarray:
    height, width = (side + 2 * field.margin for side in field.size)
    offsets = field.means[0] - (cell_corners(height, width, per_side) - field.margin)
    return torch.cat([offsets, field.cholesky[0], field.colors[0]], 1).reshape(per_side * height, per_side * width, 8).numpy()


@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_float32_keeps_every_bit_of_offsets_and_float16_half_a_step(per_side: int) -> None:
    field = field_of_size(per_side=per_side)
    exact, tail = unpacked(planes_of(field, "float32"))
    assert len(tail) == 0
    assert exact == pytest.approx(kernels_by_cell(field, per_side), abs=1e-6)
    rounded, _ = unpacked(planes_of(field))
    assert (np.abs(rounded - exact) <= 0.501 * np.array(STEPS)).all()


def test_large_values_and_differences_wrap_around() -> None:
    field = field_of_size()
    colors = 25 * (torch.rand_like(field.colors) - 0.5)
    field = replace(field, colors=colors)
    planes = planes_of(field)
    assert planes.facts["steps"] == STEPS
    assert (np.abs(unpacked(planes)[0] - kernels_by_cell(field)) <= 0.501 * np.array(STEPS)).all()


def test_what_float16_cannot_hold_is_float32() -> None:
    field = field_of_size()
    planes = planes_of(replace(field, colors=1000 * field.colors))
    assert planes.facts["steps"] is None
    assert unpacked(planes)[0][..., 5:].max() > 500


def test_kernels_that_are_not_drawn_are_marked() -> None:
    field = field_of_size()
    means, cholesky, colors = field.means.clone(), field.cholesky.clone(), field.colors.clone()
    means[0, 3, 1], cholesky[0, 5, 2], cholesky[0, 7, 0], colors[0, 11, 0] = math.nan, 0, 1e20, math.inf
    for precision in ("float16", "float32"):
        cells, tail = unpacked(planes_of(replace(field, means=means, cholesky=cholesky, colors=colors), precision))
        assert len(tail) == 0
        assert np.flatnonzero(cells[..., 4].ravel() == 0).tolist() == [3, 5, 7, 11]
        assert np.isfinite(cells).all()


def test_outliers_stand_in_the_tail_in_their_order() -> None:
    field = field_of_size((20, 30))
    cholesky, means = field.cholesky.clone(), field.means.clone()
    cholesky[0, [900, 40, 300]] *= 12
    means[0, 77] += 15
    cells, tail = unpacked(planes_of(replace(field, means=means, cholesky=cholesky), "float32"))
    assert (tail[:, 9] * cells.shape[1] + tail[:, 8]).tolist() == [40, 77, 300, 900]
    expected = kernels_by_cell(replace(field, means=means, cholesky=cholesky)).reshape(-1, 8)
    assert tail[:, :8] == pytest.approx(expected[[40, 77, 300, 900]], abs=1e-5)
    assert np.flatnonzero(cells[..., 4].ravel() == 0).tolist() == [40, 77, 300, 900]
    even = planes_of(replace(field, cholesky=0.3 + 0 * cholesky), "float32")
    assert len(unpacked(even)[1]) < TAIL / 8


def test_kernels_that_are_no_grid_stand_in_the_pixel_that_they_lie_in() -> None:
    means = torch.rand(1, 50, 2) * 9 - 1  # some beyond the border
    shapes, colors = 0.3 + torch.rand(1, 50, 3), torch.rand(1, 50, 3) - 0.5
    for field in (
        GaussianField(means, shapes, colors, (6, 7)),
        GaussianField(means[:, :42], shapes[:, :42], colors[:, :42], (6, 7)),
    ):
        planes = planes_of(field, "float32")
        per_side = planes.facts["perSide"]
        cells, tail = unpacked(planes)
        rows, columns = np.nonzero(cells[..., 4])
        corners = np.stack([columns, rows], 1) / per_side
        found = [*(cells[rows, columns, :2] + corners), *(tail[:, :2] + tail[:, 8:10] / per_side)]
        for axis in range(2):
            assert sorted(one[axis] for one in found) == pytest.approx(sorted(field.means[0, :, axis].tolist()), abs=1e-5)
        assert not planes.facts["ordered"] or len(field) == 42
    assert planes_of(field_of_size()).facts["ordered"]


def test_one_pixel_no_kernels_and_infinite_references() -> None:
    for field in (field_of_size((1, 1), 0, 1), replace(field_of_size((1, 1), 0, 1), reference_scale=math.inf)):
        assert planes_of(field).facts["cells"] == [1, 1]
    assert planes_of(field).facts["referenceScale"] is None
    none = GaussianField(torch.zeros(1, 0, 2), torch.zeros(1, 0, 3), torch.zeros(1, 0, 3), (3, 4))
    assert (unpacked(planes_of(none))[0][..., 4] == 0).all()


def test_what_no_page_can_show_is_refused() -> None:
    field = field_of_size()
    with pytest.raises(InputError, match="3 channels"):
        planes_of(replace(field, colors=field.colors[..., :1]))
    crowded = GaussianField(torch.full((1, 70, 2), 1.5), torch.ones(1, 70, 3), torch.ones(1, 70, 3), (3, 3))
    with pytest.raises(InputError, match="70 kernels lie in one LR pixel"):
        planes_of(crowded)
    wide = field_of_size((40, 60))
    with pytest.raises(InputError, match="so wide that a pixel would try"):
        planes_of(replace(wide, cholesky=200 * wide.cholesky))
    with pytest.raises(InputError, match="takes 8190 pixels a side"):
        planes_of(field_of_size((1, 8191), 1, 1))


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (8192, 8192)])
def test_a_size_without_kernels_costs_nothing(size: tuple[int, int]) -> None:
    """A file of 48 bytes can claim any."""
    for count in (0, 5):
        field = GaussianField(torch.ones(1, count, 2), torch.ones(1, count, 3), torch.ones(1, count, 3), size)
        tracemalloc.start()
        with pytest.raises(InputError, match="too large for the page"):
            planes_of(field)
        assert tracemalloc.get_traced_memory()[1] < 1e6
        tracemalloc.stop()
