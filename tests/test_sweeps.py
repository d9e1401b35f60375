"""Every value of every sweep composes, as text, the way `wandb agent` passes it on; grids equal their Hydra twins."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from composed import settings_of
from splatsr.runs.configuration import CONF

SWEEPS = sorted((CONF.parent / "sweeps").glob("*.yaml"))
TWINS = [path for path in SWEEPS if (CONF / "experiment/ablation" / path.name).exists()]


def values_of(parameter: dict[str, Any]) -> list[Any]:
    """What is listed, or the ends of a range."""
    return parameter["values"] if "values" in parameter else [parameter["min"], parameter["max"]]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_composes(path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    fixed = [word for word in sweep["command"] if "=" in word]
    lists = {name: values_of(parameter) for name, parameter in sweep["parameters"].items()}
    for row in itertools.zip_longest(*lists.values()):  # every value at least once
        chosen = {name: lists[name][0] if value is None else value for name, value in zip(lists, row, strict=True)}
        settings = settings_of(*fixed, *(f"{name}={value}" for name, value in chosen.items()))
        for name, value in chosen.items():
            node = settings
            for key in name.split("."):
                node = node[key]
            assert node == (yaml.safe_load(value) if isinstance(value, str) else value)


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_a_grid_is_the_multirun_of_the_same_name(path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    assert sweep["method"] == "grid"
    assert f"experiment=ablation/{path.stem}" in sweep["command"]
    params = yaml.safe_load((CONF / "experiment/ablation" / path.name).read_text())["hydra"]["sweeper"]["params"]
    overrides = OverridesParser.create().parse_overrides([f"{key}={values}" for key, values in params.items()])
    hydra = {override.key_or_group: list(override.sweep_string_iterator()) for override in overrides}
    online = {name: [str(value).replace(" ", "") for value in values_of(one)] for name, one in sweep["parameters"].items()}
    assert online == hydra


def test_all_the_papers_grids_have_a_twin() -> None:
    assert {path.stem for path in TWINS} == {
        "dictionary_size", "offset_range", "kernels_per_pixel", "embedding_dim", "color_depth",
    }  # fmt: skip
