import torch
from torch import nn

from splatsr.checkpoints.choice import device_of
from splatsr.models.bicubic import Bicubic


def test_a_model_is_where_its_parameters_are() -> None:
    assert device_of(nn.Linear(2, 3, device="meta")) == torch.device("meta")
    assert device_of(Bicubic()) == torch.device("cpu"), "it has no parameters"
