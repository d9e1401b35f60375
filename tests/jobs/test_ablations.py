import json
from pathlib import Path

import pytest
import yaml

from composed import settings_of
from splatsr.jobs.ablations import ablations, about, grid
from splatsr.runs.configuration import CONF
from splatsr.runs.run import Run
from splatsr.tables.members import read_members
from toy_runs import toy_member

FILES = sorted((CONF / "experiment/ablation").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_grid_has_a_cell_for_every_combination_but_the_seeds(path: Path) -> None:
    params = yaml.safe_load(path.read_text())["hydra"]["sweeper"]["params"]
    cells = grid(path, [])
    assert len({tuple(cell.values.items()) for cell in cells}) == len(cells) > 1
    assert all(list(cell.values) == [key for key in params if key != "seed"] for cell in cells)
    assert not any(cell.members for cell in cells)
    assert about(path)


def test_a_run_stands_in_the_cell_of_its_values_however_they_are_written(tmp_path: Path) -> None:
    path = CONF / "experiment/ablation/offset_range.yaml"
    wanted = grid(path, [])[1].values
    toy_member(tmp_path, 0, 30.0, *(f"{key}={value}" for key, value in wanted.items()))
    counts = [len(cell.members) for cell in grid(path, read_members(tmp_path))]
    assert counts == [0, 1] + [0] * (len(counts) - 2)


def test_the_page_has_every_ablation_even_without_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ablations(runs=None, run=Run(tmp_path, settings_of("job=ablations")))
    assert set(json.loads((tmp_path / "ablations.json").read_text())) == {path.stem for path in FILES}
    assert all(f"## {path.stem}\n" in (tmp_path / "ablations.md").read_text() for path in FILES)
