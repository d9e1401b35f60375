import pytest
import torch
from torch import nn

from onnx_models import ENCODERS, HEADS, half_flat, small_model
from splatsr.encoders.hat import OverlapAttention
from splatsr.encoders.window_attention import WindowAttention
from splatsr.heads.ddcw import DDCW
from splatsr.models.continuoussr import ContinuousSR
from splatsr.onnx_files.plain_parts import PlainDDCW, PlainOverlapAttention, PlainWindowAttention, plain

SIZES = ((16, 32), (19, 37), (1, 1), (5, 33))


def assert_same(model: ContinuousSR) -> None:
    copied = plain(model)
    for size in SIZES:
        lr = half_flat(*size)
        with torch.no_grad():
            expected, found = model(lr), copied.forward(lr)
        for name in ("means", "cholesky", "colors"):
            torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_plain_copy_makes_the_same_field_with_every_encoder(encoder: str) -> None:
    assert_same(small_model(encoder))


@pytest.mark.parametrize("heads", HEADS)
def test_and_with_all_heads(heads: str) -> None:
    assert_same(small_model(heads=heads))


def parts(model: nn.Module, kind: type) -> int:
    return sum(isinstance(part, kind) for part in model.modules())


def test_the_model_itself_stays_as_it_is() -> None:
    model = small_model("hat")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    copied = plain(model)
    assert (parts(copied, PlainWindowAttention), parts(copied, PlainOverlapAttention), parts(copied, PlainDDCW)) == (4, 2, 1)
    assert (parts(model, WindowAttention), parts(model, OverlapAttention), parts(model, DDCW)) == (4, 2, 1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
