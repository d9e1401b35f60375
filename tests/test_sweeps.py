"""Every value of every sweep composes, as text, the way `wandb agent` passes it on."""

import itertools
from pathlib import Path

import pytest
import yaml

from composed import settings_of
from splatsr.jobs.command_line import CONF

SWEEPS = sorted((CONF.parent / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_composes(path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    fixed = [word for word in sweep["command"] if "=" in word]
    names = list(sweep["parameters"])
    for values in itertools.product(*(sweep["parameters"][name]["values"] for name in names)):
        settings = settings_of(*fixed, *(f"{name}={value}" for name, value in zip(names, values, strict=True)))
        for name, value in zip(names, values, strict=True):
            node = settings
            for key in name.split("."):
                node = node[key]
            assert node == value
