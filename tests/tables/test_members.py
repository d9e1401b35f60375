"""Runs grouped into cells, and the paper's figures beside them."""

import json
from pathlib import Path

import pytest
import yaml
from hydra.utils import instantiate

from composed import settings_of
from splatsr.errors import InputError
from splatsr.jobs.ablations import about, grid
from splatsr.metrics.record import SCHEMA
from splatsr.runs.command_line import CONF
from splatsr.tables.ablation import describe, paper_row, to_markdown
from splatsr.tables.members import cells, read_members
from splatsr.tables.paper import PaperTable


@pytest.fixture(scope="module")
def paper() -> PaperTable:
    return instantiate(settings_of("table=ablations")["table"], _convert_="all")


def add(folder: Path, number: int, psnr: float | None, *overrides: str) -> None:
    place = folder / str(number)
    (place / ".hydra").mkdir(parents=True)
    (place / ".hydra/overrides.yaml").write_text(yaml.safe_dump(["experiment=some", *overrides]))
    if psnr is not None:
        sets = {"Set5": {"x4": {"psnr_y": psnr, "bicubic_psnr_y": 20.0, "images": 5}}}
        model = {"name": "ContinuousSR", "encoder": "EDSR", "parameters": 600_000}
        (place / "metrics.json").write_text(json.dumps({"schema": SCHEMA, "sets": sets, "model": model}))


def test_seeds_make_a_cell_with_mean_and_deviation(tmp_path: Path, paper: PaperTable) -> None:
    for number, (psnr, offset_range, seed) in enumerate([(30.0, 1, 0), (31.0, 1, 1), (29.0, 2, 0), (None, 2, 1)]):
        add(tmp_path, number, psnr, f"model.positions.offset_range={offset_range}", f"seed={seed}")
    one, two = cells(read_members(tmp_path))
    assert one.values == {"model.positions.offset_range": "1"}
    assert one.figures() == {"Set5": {"x4": {"psnr_y": {"mean": 30.5, "deviation": pytest.approx(0.5**0.5), "runs": 2}}}}
    assert [member.state for member in two.members] == ["finished", "unfinished"]
    text = to_markdown(describe([one, two], {"1": 2e9}, paper), paper)
    assert "| `1` | 2 of 2 | 30.50 ± 0.71 | 0.600 M | 2.00 G | 28.22 |  |" in text
    assert "| `2` | 1 of 2 | 29.00 | 0.600 M |  | 28.17 | 3 unfinished |" in text


def test_the_papers_rows_are_found_by_all_that_is_varied(paper: PaperTable) -> None:
    for shapes, positions in (("regressed_tiny", "apd_tiny"), ("regressed", "apd")):  # in either frame
        row = paper_row({"model/shapes": shapes, "model/positions": positions}, paper)
        assert row == {"row": "no DDCW", "figure": 12.3}
    assert paper_row({"model/shapes": "regressed_tiny", "model/positions": "free_tiny"}, paper) is None
    assert paper_row({"model.colors.hidden": "[64,64,64]"}, paper)["figure"] == 28.12
    assert paper_row({"model.colors.hidden": "[64,64,64,64]"}, paper)["figure"] == 28.19
    assert paper_row({"model.kernels_per_pixel": "9"}, paper)["figure"] == 28.18


def test_a_page_has_a_cell_for_every_value_of_an_ablation(tmp_path: Path, paper: PaperTable) -> None:
    add(tmp_path / "deep", 0, 30.0, "model.colors.hidden=[64, 64,64]", "seed=0")
    path = CONF / "experiment/ablation/colour_depth.yaml"
    found = grid(path, read_members(tmp_path))
    assert [len(cell.members) for cell in found] == [1, 0, 0, 0, 0]
    text = to_markdown(describe(found, {}, paper), paper)
    assert "| `[64,64,64]` | 1 of 1 | 30.00 | 0.600 M |  | 28.12 |" in text
    assert "| `[64,64,64,64,64,64,64]` |  |  |  |  | 28.23 |" in text
    assert "Table 17" in about(path)
    assert "python run.py -m experiment=ablation/colour_depth" in about(path)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no runs"):
        read_members(tmp_path)


def test_every_papers_row_is_one_that_an_ablation_makes(paper: PaperTable) -> None:
    varied = []
    for path in (CONF / "experiment/ablation").glob("*.yaml"):
        params = yaml.safe_load(path.read_text())["hydra"]["sweeper"]["params"]
        varied.append({key for key in params if key != "seed"})
    for row in paper.rows:
        for member in row.members:
            assert set(member) in varied, f"{row.name}: no ablation varies {', '.join(member)}"
            settings_of(*(f"{group}={option}" for group, option in member.items() if "/" in group))  # which exists
