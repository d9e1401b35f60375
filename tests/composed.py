"""The configuration as a job gets it, composed once for each set of overrides."""

import copy
import functools

import pytest

from splatsr.metrics.protocol import Protocol
from splatsr.runs.configuration import CONF, compose, instantiate

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


def protocol_of(name: str) -> Protocol:
    """A protocol of conf/protocol/."""
    return instantiate(settings_of(f"protocol={name}")["protocol"], "protocol")
