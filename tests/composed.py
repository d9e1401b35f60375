"""The configuration as a job gets it, composed once for each set of overrides."""

import copy
import functools
from typing import Any

import hydra
import pytest

from splatsr.metrics.protocol import Protocol
from splatsr.runs.configuration import CONF, compose, instantiate, plain

LARGE = {"gsasr_ultra", "gsasr_enhanced_rdn", "gsasr_enhanced_swinir"}
"""Models that are another one with a larger encoder: for `make slow`."""

MODELS = [
    pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name
    for name in sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
]
"""Every file of conf/model, for tests of all."""


def settings_of(*overrides: str, resolve: bool = True) -> dict:
    """The settings of `python run.py <overrides>`; references stay where `resolve` is false."""
    return copy.deepcopy(_composed(overrides, resolve))


@functools.cache
def _composed(overrides: tuple[str, ...], resolve: bool) -> dict:
    return compose(*overrides, resolve=resolve)


def changed(settings: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The same settings with another value of one key, by its dotted name; a key that was not there comes in."""
    settings = copy.deepcopy(settings)
    node = settings
    *above, last = name.split(".")
    for key in above:
        node = node.setdefault(key, {})
    node[last] = value
    return settings


def option_of(group: str, name: str) -> Any:
    """What a file of conf/ describes, such as conf/protocol/l_pil.yaml; composed alone, which takes a tenth of the time."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return instantiate(plain(hydra.compose(f"{group}/{name}"))[group], group)


def protocol_of(name: str) -> Protocol:
    """A protocol of conf/protocol/."""
    return option_of("protocol", name)
