import torch
from torch import Tensor
from torch.nn.functional import layer_norm, silu, softplus

from splatsr.encoders.selective_scan_2d import SelectiveScan2D


def small() -> SelectiveScan2D:
    scan = SelectiveScan2D(channels=20, states=3, expansion=2).double()
    for parameter in (scan.A_logs, scan.Ds, scan.out_norm.weight, scan.out_norm.bias):
        torch.nn.init.normal_(parameter)  # or their order would not show
    return scan


def by_definition(scan: SelectiveScan2D, x: Tensor) -> Tensor:
    """One image, pixel by pixel along each of the four ways."""
    height, width = x.shape[1:3]
    inner, gate = scan.in_proj(x).chunk(2, -1)
    inner = silu(scan.conv2d(inner.permute(0, 3, 1, 2)))[0]
    by_row = [(row, column) for row in range(height) for column in range(width)]
    by_column = [(row, column) for column in range(width) for row in range(height)]
    channels = len(inner)
    result = torch.zeros_like(inner)
    for k, way in enumerate((by_row, by_column, by_row[::-1], by_column[::-1])):
        a, d = (one[k * channels : (k + 1) * channels] for one in (-scan.A_logs.exp(), scan.Ds))
        state = torch.zeros(channels, scan.states, dtype=x.dtype)
        for row, column in way:
            u = inner[:, row, column]
            rate, b, c = (scan.x_proj_weight[k] @ u).split([scan.rank, scan.states, scan.states])
            delta = softplus(scan.dt_projs_weight[k] @ rate + scan.dt_projs_bias[k])
            state = (delta[:, None] * a).exp() * state + (delta * u)[:, None] * b
            result[:, row, column] += state @ c + d * u
    normed = layer_norm(result.permute(1, 2, 0), (channels,), scan.out_norm.weight, scan.out_norm.bias)
    return scan.out_proj(normed[None] * silu(gate))


@torch.no_grad()
def test_it_is_its_definition() -> None:
    scan, x = small(), torch.randn(2, 3, 5, 20, dtype=torch.float64)
    torch.testing.assert_close(scan(x), torch.cat([by_definition(scan, one[None]) for one in x]))


def test_first_weights_are_the_published_ones() -> None:
    scan = SelectiveScan2D(channels=64, states=16, expansion=2)
    rates = softplus(scan.dt_projs_bias)
    assert rates.min() * 1.001 >= 1e-3
    assert rates.max() <= 0.1001
    assert rates.log().std().item() > 1.0, "log-uniform over two decades: 1.33"
    assert scan.dt_projs_weight.abs().max() <= 0.5
    assert scan.dt_projs_weight.abs().mean().item() > 0.24
    torch.testing.assert_close((-scan.A_logs.exp())[77], -torch.arange(1.0, 17))
    assert (scan.Ds == 1).all()
    assert scan.x_proj_weight.shape == (4, 36, 128)
