"""An ablation's table, with the paper's figures beside ours."""

from pathlib import Path

import pytest
import yaml

from composed import settings_of
from splatsr.jobs.ablations import about, grid
from splatsr.runs.configuration import CONF
from splatsr.tables.ablation import describe, paper_row, to_json, to_markdown, to_text
from splatsr.tables.members import cells, read_members
from toy_runs import paper, toy_member

PAPER = paper("ablations")


def test_a_row_has_mean_and_deviation_size_cost_and_the_papers_figure(tmp_path: Path) -> None:
    for index, (psnr, offset_range, seed) in enumerate([(30.0, 1, 0), (31.0, 1, 1), (29.0, 2, 0), (None, 2, 1)]):
        toy_member(tmp_path, index, psnr, f"model.positions.offset_range={offset_range}", f"seed={seed}")
    rows = describe(cells(read_members(tmp_path)), {"1": 2e9}, PAPER)
    text = to_markdown(rows, PAPER)
    assert "| `1` | 2 of 2 | 30.50 ± 0.71 | 0.600 M | 2.00 G | 28.22 |  |" in text
    assert "| `2` | 1 of 2 | 29.00 | 0.600 M |  | 28.17 | 3 unfinished |" in text
    shown = to_text(rows, PAPER, title="an ablation")
    assert shown.rows[0] == ["1", "2 of 2", "30.50 ± 0.71", "0.600 M", "2.00 G", "28.22", ""]
    assert not [line for line in shown.aligned() if "|" in line or "`" in line]
    first, second = to_json(rows)
    assert first == {
        "values": {"model.positions.offset_range": "1"},
        "members": [{"folder": seed, "seed": seed, "state": "finished"} for seed in ("0", "1")],
        "figures": {"Set5": {"x4": {"psnr_y": {"mean": 30.5, "deviation": pytest.approx(0.5**0.5), "runs": 2}}}},
        "parameters": 600_000,
        "multiply_adds": 2e9,
        "paper": {"row": rows[0].paper.row, "figure": 28.22},
    }
    assert (second["members"][1]["state"], second["multiply_adds"]) == ("unfinished", None)


def test_a_column_of_states_is_there_only_where_one_is_not_finished(tmp_path: Path) -> None:
    toy_member(tmp_path, 0, 30.0, "model.positions.offset_range=1")
    assert "state" not in to_markdown(describe(cells(read_members(tmp_path)), {}, PAPER), PAPER)


def test_the_papers_rows_are_found_by_all_that_is_varied() -> None:
    for shapes, positions in (("regressed_tiny", "apd_tiny"), ("regressed", "apd")):  # in either frame
        assert paper_row({"model/shapes": shapes, "model/positions": positions}, PAPER) == ("no DDCW", 12.3)
    assert paper_row({"model/shapes": "regressed_tiny", "model/positions": "free_tiny"}, PAPER) is None
    assert paper_row({"model.colors.hidden": "[64,64,64]"}, PAPER).figure == 28.12
    assert paper_row({"model.colors.hidden": "[64,64,64,64]"}, PAPER).figure == 28.19
    assert paper_row({"model.kernels_per_pixel": "9"}, PAPER).figure == 28.18


def test_a_page_has_a_cell_for_every_value_of_an_ablation(tmp_path: Path) -> None:
    toy_member(tmp_path / "deep", 0, 30.0, "model.colors.hidden=[64, 64,64]", "seed=0")
    path = CONF / "experiment/ablation/color_depth.yaml"
    found = grid(path, read_members(tmp_path))
    assert [len(cell.members) for cell in found] == [1, 0, 0, 0, 0]
    text = to_markdown(describe(found, {}, PAPER), PAPER)
    assert "| `[64,64,64]` | 1 of 1 | 30.00 | 0.600 M |  | 28.12 |" in text
    assert "| `[64,64,64,64,64,64,64]` |  |  |  |  | 28.23 |" in text
    assert "Table 17" in about(path)
    assert "python run.py -m experiment=ablation/color_depth" in about(path)


def test_every_papers_row_is_one_that_an_ablation_makes() -> None:
    varied = []
    for path in (CONF / "experiment/ablation").glob("*.yaml"):
        params = yaml.safe_load(path.read_text())["hydra"]["sweeper"]["params"]
        varied.append({key for key in params if key != "seed"})
    for row in PAPER.rows:
        for member in row.members:
            assert set(member) in varied, f"{row.name}: no ablation varies {', '.join(member)}"
            settings_of(*(f"{group}={option}" for group, option in member.items() if "/" in group))  # which exists
