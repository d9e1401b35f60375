"""The notebooks' cells run, on a model of random weights in place of the demo's."""

import json
import shutil
from pathlib import Path

import matplotlib
import pytest

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.runs.configuration import CONF

ROOT = CONF.parent


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_cells_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    config = settings_of("experiment=quickstart")["model"]
    (tmp_path / "outputs/demo").mkdir(parents=True)
    save_model(build(config), config, tmp_path / "outputs/demo/model.safetensors")
    shutil.copy(ROOT / "run.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(path.read_text())
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "commit notebooks without their output"
            exec(compile("".join(cell["source"]), path.name, "exec"), names)
    matplotlib.pyplot.close("all")
