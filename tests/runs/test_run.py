from pathlib import Path
from typing import Any

import pytest
import yaml

from splatsr.errors import InputError
from splatsr.runs.folders import Traces
from splatsr.runs.run import Run

SETTINGS = {"seed": 3, "resume": None, "data": {"train": "a", "workers": 2}, "metrics": None}


def run(folder: Path, **changes: Any) -> Run:
    return Run(folder, {**SETTINGS, **changes})


def goes_on(one: Run, **kwargs: Any) -> bool:
    return one.goes_on(Traces("last.ckpt", "metrics.json"), **kwargs)


def test_a_described_run_explains_itself(tmp_path: Path) -> None:
    run(tmp_path / "new").describe(rendering="point samples")
    assert yaml.safe_load((tmp_path / "new/config.yaml").read_text()) == SETTINGS
    lines = (tmp_path / "new/env.txt").read_text().splitlines()
    assert "seed: 3" in lines
    assert "rendering: point samples" in lines
    assert any(line.startswith("torch: 2.") for line in lines)


def test_a_run_goes_on_only_where_it_is_asked_to_and_can(tmp_path: Path) -> None:
    assert not goes_on(run(tmp_path))
    assert not goes_on(run(tmp_path, resume="auto"))
    with pytest.raises(InputError, match="no last.ckpt there"):
        goes_on(run(tmp_path, resume=str(tmp_path)))
    run(tmp_path).describe(rendering="")
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(InputError, match="holds an unfinished run already"):
        goes_on(run(tmp_path))
    assert goes_on(run(tmp_path, resume="auto"))
    assert goes_on(run(tmp_path, resume=str(tmp_path)))
    (tmp_path / "metrics.json").touch()
    with pytest.raises(InputError, match="is finished already"):
        goes_on(run(tmp_path, resume="auto"))


def test_only_settings_that_change_the_result_must_be_the_same(tmp_path: Path) -> None:
    run(tmp_path).describe(rendering="")
    (tmp_path / "last.ckpt").touch()
    assert goes_on(run(tmp_path, resume="auto", metrics=["psnr"], data={"train": "a", "workers": 0}))
    other = run(tmp_path, resume="auto", data={"train": "b", "workers": 2})
    with pytest.raises(InputError, match="data.train was a and is b"):
        goes_on(other)
    assert goes_on(other, same=["seed"])
    with pytest.raises(InputError, match="seed was 3 and is 4"):
        goes_on(run(tmp_path, resume="auto", seed=4), same=["seed"])
