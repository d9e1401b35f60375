"""Every sweep composes, as text, the way `wandb agent` passes it on; grids equal their Hydra twins."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf.errors import OmegaConfBaseException
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from composed import settings_of
from splatsr.runs.configuration import CONF
from splatsr.runs.explanations import explain

SWEEPS = sorted((CONF.parent / "sweeps").glob("*.yaml"))
TWINS = [path for path in SWEEPS if (CONF / "experiment/ablation" / path.name).exists()]


def values_of(parameter: dict[str, Any]) -> list[Any]:
    """What is listed, or the ends of a range."""
    return parameter["values"] if "values" in parameter else [parameter["min"], parameter["max"]]


def composed(sweep: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The settings of the command that an agent of W&B starts with these values."""
    command = create_sweep_command(sweep["command"])
    arguments = create_sweep_command_args({"args": {name: {"value": value} for name, value in chosen.items()}})
    words = [word for part in command for word in (arguments["args_no_hyphens"] if part == "${args_no_hyphens}" else [part])]
    return settings_of(*(word for word in words if "=" in word))


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPLATSR_DATA", "/sets")


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_composes(path: Path) -> None:
    """Of the twins of a multirun the first values: the others are composed in tests/runs/test_experiments.py."""
    sweep = yaml.safe_load(path.read_text())
    assert sweep["metric"] == {"name": "val/psnr_best", "goal": "maximize"}, "what the dashboard's callback logs"
    lists = {name: values_of(parameter) for name, parameter in sweep["parameters"].items()}
    rows = itertools.zip_longest(*lists.values())  # every value at least once
    for row in itertools.islice(rows, 1 if path in TWINS else None):
        chosen = {name: lists[name][0] if value is None else value for name, value in zip(lists, row, strict=True)}
        settings = composed(sweep, chosen)
        assert {"csv", "wandb"} == set(settings["logger"])
        if "data=folder" in sweep["command"]:
            assert (settings["data"]["train"], settings["data"]["test"]) == ("/sets/train", "/sets/test")
        for name, value in chosen.items():
            if (CONF / name).is_dir():  # an option of a group, which has many values
                continue
            node = settings
            for key in name.split("."):
                node = node[key]
            assert str(node) == str(yaml.safe_load(value) if isinstance(value, str) else value)


def test_data_that_nobody_named_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPLATSR_DATA")
    with pytest.raises(OmegaConfBaseException) as refused:
        settings_of("data=folder", "data.train=${oc.env:SPLATSR_DATA}/other")
    assert "the environment variable SPLATSR_DATA, which is not set" in str(explain(refused.value))


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_a_grid_is_the_multirun_of_the_same_name(path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    assert sweep["method"] == "grid"
    assert f"experiment=ablation/{path.stem}" in sweep["command"]
    params = yaml.safe_load((CONF / "experiment/ablation" / path.name).read_text())["hydra"]["sweeper"]["params"]
    overrides = OverridesParser.create().parse_overrides([f"{key}={values}" for key, values in params.items()])
    hydra = {
        override.key_or_group: [_as_hydra(yaml.safe_load(value)) for value in override.sweep_string_iterator()]
        for override in overrides
    }
    online = {
        name: [_as_hydra(yaml.safe_load(value) if isinstance(value, str) else value) for value in values_of(one)]
        for name, one in sweep["parameters"].items()
    }
    assert online == hydra


def test_every_ablation_has_a_twin() -> None:
    assert {path.stem for path in TWINS} == {path.stem for path in (CONF / "experiment/ablation").glob("*.yaml")}


def _as_hydra(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace(" ", "")
