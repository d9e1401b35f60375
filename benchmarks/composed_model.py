"""Models as a configuration describes them, with their first weights."""

import torch
from torch import nn

from splatsr.checkpoints.build import build
from splatsr.runs.configuration import compose


def composed_model(*overrides: str) -> nn.Module:
    """The model that `python run.py <overrides>` would train, before its first step."""
    torch.manual_seed(0)
    return build(compose(*overrides)["model"])
