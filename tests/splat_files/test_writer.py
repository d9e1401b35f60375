from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatsr import InputError
from splatsr.splat_files import reader, writer
from splatsr.splat_files.reader import Kernels, SplatFile
from splatsr.splat_files.writer import Description, cell_offsets, write_cells, write_free

GRID = Description(size=(6, 3), reference_scale=4.0, margin=1, per_side=2, channels=3, bits=16)


def random_kernels(count: int) -> Kernels:
    """In the cells of `GRID`, whose rows are of ten."""
    draw, index = np.random.default_rng(0), np.arange(count)
    cells = np.stack([index % 10, index // 10], 1) / 2 - 1
    means, cholesky, colors = (draw.random((count, columns), np.float32) for columns in (2, 3, 3))
    return Kernels(np.float32(cells + means), cholesky, colors)


def written(path: Path, description: Description, blocks: Sequence[Kernels], margin: int = 1) -> bytes:
    with path.open("wb") as file:
        count = write_cells(file, description, blocks, margin=margin)
    assert count == sum(len(block.means) for block in blocks)
    return path.read_bytes()


def test_how_the_rows_come_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 rows of 10 cells: at once, or in blocks, in bands of three rows."""
    whole = random_kernels(160)
    monkeypatch.setattr(writer, "BAND", 39)
    expected = written(tmp_path / "a.splat", GRID, [whole])
    for ends in ([0, 5, 6, 16], range(17), [0, 15, 16], [0, 9, 9, 16]):
        parts = [(a, Kernels(*(part[10 * a : 10 * b] for part in whole))) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        blocks = [part._replace(means=part.means - np.float32([0, row / 2])) for row, part in parts]
        assert written(tmp_path / "b.splat", GRID, blocks) == expected


def test_bands_hold_whole_rows_and_know_where_they_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BAND", 39)
    written(tmp_path / "a.splat", GRID, [random_kernels(160)])
    file = SplatFile(tmp_path / "a.splat")
    assert [band.kernels for band in file.bands] == [30, 30, 30, 30, 30, 10]
    for band in file.bands:
        means, cholesky, _ = file.read(band)
        deviations = np.hypot(cholesky[:, 1], cholesky[:, 2])
        assert band.top < means[:, 1].min() < band.top + 1e-5
        assert band.bottom - 1e-5 < means[:, 1].max() < band.bottom
        assert deviations.max() < band.deviation < deviations.max() + 1e-5


def test_too_few_or_too_many_rows_are_no_file(tmp_path: Path) -> None:
    for count in (150, 170):
        with pytest.raises(ValueError, match="rows of cells came"):
            written(tmp_path / "a.splat", GRID, [random_kernels(count)])


@given(
    bits=st.integers(8, 16), rows=st.integers(1, 5), columns=st.sampled_from([1, 2, 3, 127, 128, 129, 300]),
    extremes=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_prediction_is_undone(bits: int, rows: int, columns: int, extremes: bool, seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 2**bits, (3, rows, columns)).astype(np.int32)
    if extremes:
        values = np.where(values % 2, 2**bits - 1, 0).astype(np.int32)
    coded = writer._left_over(values, bits)
    assert coded.min() >= 0 and coded.max() < 2**bits
    assert np.array_equal(reader._unpredicted(coded, bits), values)


def test_an_even_slope_is_predicted_but_for_its_edges() -> None:
    row, column = np.mgrid[:9, :200]
    coded = writer._left_over((2000 + 3 * row - 5 * column)[None].astype(np.int32), 12)
    assert not coded[0, 1:, np.arange(200) % 128 != 0].any()


def test_float16_keeps_its_order() -> None:
    values = np.array([-65504, -1, -6e-8, 0, 6e-8, 1e-3, 1, 65504])
    ordered = writer._ordered(values)
    assert (np.diff(ordered) > 0).all()
    assert np.array_equal(reader.numbers_of(ordered[None], None, 16)[0], values.astype(np.float16))


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize(
    ("value", "said"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (-np.inf, "not finite"), (65600.0, "holds up to 65504"), (-1e30, "65504")],
)
@pytest.mark.parametrize("bits", [16, 10])
def test_values_that_a_file_cannot_hold_are_refused(tmp_path: Path, part: int, value: float, said: str, bits: int) -> None:
    kernels = random_kernels(160)
    kernels[part][77, 1] = value
    with pytest.raises(InputError, match=said):
        written(tmp_path / "a.splat", GRID._replace(bits=bits), [kernels])


def test_free_kernels_may_be_far_from_the_corner_but_not_from_the_image(tmp_path: Path) -> None:
    wide = Description(size=(2, 200_000), reference_scale=4.0, margin=0, per_side=0, channels=3, bits=16)
    kernels = random_kernels(3)
    kernels.means[1] = 199_999.5, 1
    with (tmp_path / "a.splat").open("wb") as file:
        assert write_free(file, wide, kernels) == 3
        kernels.means[1] = 300_000, 1
        with pytest.raises(InputError, match="holds up to 65504"):
            write_free(file, wide, kernels)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        (0, 20.0, "positions in steps of .*: use bits=12"),
        (1, 200.0, "shapes in steps .* bits=15 or"),
        (2, 400.0, "colors .* use bits=16"),
    ],
)
def test_ranges_too_large_for_the_bits_are_refused(tmp_path: Path, part: int, value: float, said: str) -> None:
    """A single outlier would make all others coarse."""
    kernels = random_kernels(160)
    kernels[part][77, 1] = value
    with pytest.raises(InputError, match=said):
        written(tmp_path / "a.splat", GRID._replace(bits=10), [kernels])
    assert written(tmp_path / "a.splat", GRID, [kernels])


@pytest.mark.parametrize(
    "wrong",
    [
        *({"bits": bits} for bits in (7, 17)),
        *({"size": size} for size in ((2**31, 1), (1, 2**20))),
        *({"margin": 2**16}, {"channels": 2**16}, {"per_side": 256}),
    ],
)
def test_what_a_header_has_no_place_for_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=r"bits must be|has no place"):
        writer.check_description(GRID._replace(**wrong))


def test_offsets_count_from_the_cells_centres() -> None:
    means = np.float32([[-0.75, -0.75], [0.25, -0.75], [-0.75, 0.5], [0.0, 0.25]])
    assert cell_offsets(means, 2, 2, row=0, margin=1).tolist() == [[0, 0], [0.5, 0], [0, 0.75], [0.25, 0.5]]
    assert cell_offsets(means[2:], 2, 2, row=1, margin=1).tolist() == [[0, 0.75], [0.25, 0.5]]


@pytest.mark.parametrize("bits", [12.5, "10", 7, 17])
def test_bits_that_are_none_are_refused(bits: object) -> None:
    with pytest.raises(InputError, match="bits must be 16"):
        writer.check_description(GRID._replace(bits=bits))
