"""Runs grouped into cells."""

import math
from pathlib import Path

import pytest

from splatsr.errors import InputError
from splatsr.tables.members import MeanFigure, cells, read_members
from toy_runs import toy_member


def seeds(folder: Path) -> Path:
    """Two values, two seeds each; the last run is not finished."""
    for index, (psnr, offset_range, seed) in enumerate([(30.0, 1, 0), (31.0, 1, 1), (29.0, 2, 0), (None, 2, 1)]):
        toy_member(folder, index, psnr, f"model.positions.offset_range={offset_range}", f"seed={seed}")
    return folder


def test_seeds_make_a_cell_with_mean_and_deviation(tmp_path: Path) -> None:
    one, two = cells(read_members(seeds(tmp_path)))
    assert one.values == {"model.positions.offset_range": "1"}
    assert one.figures() == [MeanFigure("Set5", 4.0, "psnr_y", 30.5, pytest.approx(0.5**0.5), 2)]
    assert two.figures() == [MeanFigure("Set5", 4.0, "psnr_y", 29.0, 0.0, 1)]
    assert [member.state for member in two.members] == ["finished", "unfinished"]


def test_cells_may_be_made_by_other_keys(tmp_path: Path) -> None:
    found = cells(read_members(seeds(tmp_path)), ["seed"])
    assert [(cell.values, len(cell.members)) for cell in found] == [({"seed": "0"}, 2), ({"seed": "1"}, 2)]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no runs"):
        read_members(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("overrides.yaml", "a: &a [*a]"),
        ("overrides.yaml", "3"),
        ("overrides.yaml", ""),
        ("state.yaml", "finished"),
        ("state.yaml", "{"),
    ],
)
def test_what_has_become_of_a_run_is_one_line(name: str, content: str, tmp_path: Path) -> None:
    toy_member(tmp_path, 0, None, "seed=0")
    (tmp_path / "0" / name).write_text(content)
    with pytest.raises(InputError, match=rf"0/{name} is (damaged|refused)"):
        read_members(tmp_path)


@pytest.mark.parametrize(
    ("values", "mean"), [((math.inf, -math.inf), "nan"), ((math.inf, 30.0), "inf"), ((math.nan, 1.0), "nan")]
)
def test_figures_that_are_no_numbers_have_a_mean_that_is_none(values: tuple[float, ...], mean: str, tmp_path: Path) -> None:
    for seed, value in enumerate(values):
        toy_member(tmp_path, seed, value, f"seed={seed}")
    ((figure,),) = (cell.figures() for cell in cells(read_members(tmp_path)))
    assert str(figure.mean) == mean
    assert math.isnan(figure.deviation)
