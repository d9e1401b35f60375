import json
from pathlib import Path

import matplotlib.image
import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.jobs.benchmark import benchmark
from splatsr.runs.run import Run

QUICK = (
    "benchmark.repetitions=1",
    "benchmark.average_time.lr_sizes=[[5,4]]",
    "benchmark.average_time.scales=[4,6]",
    "benchmark.one_scale.hr_side=16",
    "benchmark.one_scale.scales=[4]",
    "benchmark.memory.lr_size=[4,4]",
    "benchmark.memory.scales=[4,8]",
)


def run(folder: Path, *overrides: str, checkpoint: str | None = None) -> dict:
    settings = settings_of("job=benchmark", *QUICK, *overrides)
    chosen = {name: settings[name] for name in ("benchmark", "model")}
    return benchmark(**chosen, checkpoint=checkpoint, device="cpu", precision="auto", run=Run(folder, settings))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
@pytest.mark.slow
def test_all_models_are_measured_side_by_side(tmp_path: Path) -> None:
    results = run(tmp_path, "benchmark=all")
    assert set(results["models"]) >= {"continuoussr", "continuoussr_light", "bicubic"}
    assert json.loads((tmp_path / "benchmark.json").read_text()) == results
    table = (tmp_path / "benchmark.md").read_text()
    assert "| continuoussr | 5.54 M | 4x5 |" in table  # width x height
    for name, result in results["models"].items():
        assert list(result["average_time"][0]["render_ms_at"]) == ["x4", "x5", "x6"], name
    assert matplotlib.image.imread(tmp_path / "benchmark.png").std() > 0.02


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_a_saved_model_is_measured_under_its_name(tmp_path: Path, tiny_file: Path) -> None:
    assert list(run(tmp_path / "run", checkpoint=str(tiny_file))["models"]) == ["tiny"]


def test_a_checkpoint_beside_listed_models_is_refused(tmp_path: Path, tiny_file: Path) -> None:
    with pytest.raises(InputError, match="leave checkpoint out"):
        run(tmp_path / "run", "benchmark=all", checkpoint=str(tiny_file))
    assert not (tmp_path / "run").exists()
