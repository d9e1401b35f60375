import pytest
import torch

from splatsr.heads import mlp as module
from splatsr.heads.mlp import by_position, mlp


def test_layers_alternate_and_end_linear() -> None:
    layers = mlp([3, 5, 4, 2])
    assert [type(layer).__name__ for layer in layers] == ["Linear", "GELU", "Linear", "GELU", "Linear"]
    assert layers[1].approximate == "none"
    assert layers(torch.rand(7, 3)).shape == (7, 2)


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, features = mlp([3, 16, 2]), torch.rand(2, 50, 3)
    with torch.no_grad():
        whole = by_position(layers, features)
        monkeypatch.setattr(module, "CHUNK", 7)
        torch.testing.assert_close(by_position(layers, features), whole)


def test_with_gradients_everything_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    calls, layer = [], torch.nn.Identity()
    layer.register_forward_hook(lambda _, inputs, __: calls.append(tuple(inputs[0].shape)))
    by_position(layer, torch.rand(2, 50, 3))
    assert calls == [(2, 50, 3)]
