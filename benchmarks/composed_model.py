"""Models as a configuration describes them, with their first weights."""

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn

from splatsr.checkpoints.files import build
from splatsr.runs.command_line import CONF, register_resolvers


def composed_model(*overrides: str) -> nn.Module:
    """The model that `python run.py <overrides>` would train, before its first step."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("run", overrides=[*overrides, "run_dir=unused"])
    torch.manual_seed(0)
    return build(OmegaConf.to_container(cfg.model, resolve=True))
