"""The configuration as a job gets it, composed once for each set of overrides."""

import copy
import functools

from splatsr.metrics.protocol import Protocol
from splatsr.runs.configuration import compose, instantiate


def settings_of(*overrides: str, resolve: bool = True) -> dict:
    """The settings of `python run.py <overrides>`; references stay where `resolve` is false."""
    return copy.deepcopy(_composed(overrides, resolve))


@functools.cache
def _composed(overrides: tuple[str, ...], resolve: bool) -> dict:
    return compose(*overrides, resolve=resolve)


def protocol_of(name: str) -> Protocol:
    """A protocol of conf/protocol/."""
    return instantiate(settings_of(f"protocol={name}")["protocol"], "protocol")
