"""The configuration as a job gets it."""

import copy
import functools

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from splatsr.metrics.protocol import Protocol
from splatsr.runs.command_line import CONF, register_resolvers


def settings_of(*overrides: str) -> dict:
    """The composed configuration as plain values."""
    return copy.deepcopy(_composed(overrides))


@functools.cache
def _composed(overrides: tuple[str, ...]) -> dict:
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("run", overrides=[*overrides, "run_dir=unused"], return_hydra_config=False)
    return OmegaConf.to_container(cfg, resolve=False)


def protocol_of(name: str) -> Protocol:
    """A protocol of conf/protocol/."""
    return instantiate(OmegaConf.load(CONF / "protocol" / f"{name}.yaml"))
