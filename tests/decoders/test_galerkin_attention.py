import torch
from torch import nn

from splatsr.decoders.galerkin_attention import GalerkinAttention, HeadNorm


def published_norm(norm: HeadNorm, x: torch.Tensor) -> torch.Tensor:
    return norm.weight[:, 0] * ((x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)) + norm.bias[:, 0]


def test_norms_are_the_published_ones() -> None:
    norm = HeadNorm(3, 5).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 7, 3, 5).double()
    torch.testing.assert_close(norm(x), published_norm(norm, x))


def test_equal_channels_have_a_gradient() -> None:
    x = torch.ones(1, 4, 2, 3, requires_grad=True)
    HeadNorm(2, 3)(x).sum().backward()
    assert bool(x.grad.isfinite().all())


@torch.inference_mode()
def test_a_layer_is_its_definition() -> None:
    """With queries, keys and values made one by one."""
    layer, x = GalerkinAttention(channels=12, heads=3).double(), torch.randn(2, 9, 12).double()
    projected = nn.functional.linear(x, layer.qkv_proj.weight[:, :, 0, 0], layer.qkv_proj.bias).unflatten(-1, (3, 12))
    q, k, v = projected.split(4, -1)
    k, v = published_norm(layer.kln, k), published_norm(layer.vln, v)
    mean = torch.einsum("bqhi,bqhj->bhij", k, v) / 9
    torch.testing.assert_close(layer.sums(x) / 9, mean)
    attended = torch.einsum("bqhi,bhij->bqhj", q, mean).flatten(2) + x
    hidden = nn.functional.gelu(nn.functional.linear(attended, layer.o_proj1.weight[:, :, 0, 0], layer.o_proj1.bias))
    expected = x + nn.functional.linear(hidden, layer.o_proj2.weight[:, :, 0, 0], layer.o_proj2.bias)
    torch.testing.assert_close(layer(x, mean), expected)
