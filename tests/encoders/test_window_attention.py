import pytest
import torch
from torch import Tensor

from splatsr.encoders.window_attention import (
    Moved,
    WindowAttention,
    attend,
    from_windows,
    join_heads,
    project_in,
    project_out,
    relative_bias,
    split_heads,
    to_windows,
    window_order,
)

CPU = torch.device("cpu")


def plain(attention: WindowAttention, grid: Tensor) -> Tensor:
    """Pixel by pixel: who shares a window after the roll, unless the roll brought them together, is attended to."""
    _, height, width, channels = grid.shape
    window, shift, heads = attention.window, attention.shift, attention.heads
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ys, xs = ys.flatten(), xs.flatten()
    rolled_y, rolled_x = (ys - shift) % height, (xs - shift) % width
    home = rolled_y // window * width + rolled_x // window
    torn = ((ys < shift)[:, None] != (ys < shift)) | ((xs < shift)[:, None] != (xs < shift))
    dy, dx = rolled_y[:, None] - rolled_y + window - 1, rolled_x[:, None] - rolled_x + window - 1
    together = home[:, None] == home
    index = torch.where(together, dy * (2 * window - 1) + dx, 0)  # published: query minus key
    mask = attention.relative_position_bias_table[index].permute(2, 0, 1) - 100.0 * torn
    mask = mask.masked_fill(~together, -torch.inf)
    q, k, v = attention.qkv(grid.flatten(1, 2)).unflatten(-1, (3, heads, channels // heads)).permute(2, 0, 3, 1, 4)
    weights = (q @ k.mT * (channels // heads) ** -0.5 + mask).softmax(-1)
    return attention.proj((weights @ v).transpose(1, 2).flatten(2)).view_as(grid)


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (4, 8), (4, 4)])
def test_windows_attend_as_plain_attention_says(shift: int, height: int, width: int) -> None:
    attention = WindowAttention(channels=12, heads=2, window=4, shift=shift).double()
    torch.nn.init.normal_(attention.relative_position_bias_table)
    grid = torch.randn(2, height, width, 12, dtype=torch.float64, requires_grad=True)
    inputs = [grid, *attention.parameters()]
    ours, reference = attention(grid), plain(attention, grid)
    torch.testing.assert_close(ours, reference)
    seed = torch.randn_like(ours)
    for gradient, expected in zip(
        torch.autograd.grad(ours, inputs, seed), torch.autograd.grad(reference, inputs, seed), strict=True
    ):
        torch.testing.assert_close(gradient, expected)


def test_attend_is_matmul_softmax_matmul_for_any_head_width() -> None:
    for width in (5, 8, 30):
        q, k, v = (torch.randn(3, 4, length, width) for length in (6, 9, 9))  # 3 windows, 4 heads
        bias = torch.randn(4, 6, 9)
        expected = (0.3 * q @ k.mT + bias).softmax(-1) @ v
        torch.testing.assert_close(attend(q, k, v, bias, 0.3), expected, atol=1e-6, rtol=1e-5)


def test_projections_put_zeros_after_every_head_and_ignore_them() -> None:
    layer, tokens = torch.nn.Linear(7, 6 * 5), torch.randn(2, 3, 7)
    wide = project_in(layer, tokens, 6).unflatten(-1, (6, 8))
    torch.testing.assert_close(wide[..., :5].flatten(-2), layer(tokens))
    assert (wide[..., 5:] == 0).all()
    back = torch.nn.Linear(6 * 5, 7)
    torch.testing.assert_close(project_out(back, wide.flatten(-2), 6), back(wide[..., :5].flatten(-2)))


def test_windows_and_heads_split_and_join() -> None:
    grid = torch.randn(2, 8, 12, 6)
    order = window_order(2, 8, 12, 4, 0, CPU)
    assert order.counts == (12,)
    windows = to_windows(grid, order, 4)
    assert windows.shape == (12, 16, 6)
    assert (windows[6 + 3 + 2, 5] == grid[1, 5, 9]).all(), "pixel 5 of a window is its second row's second"
    assert (from_windows(windows, order, grid.shape) == grid).all()
    assert (split_heads(windows, 3)[:, 1] == windows[..., 2:4]).all()
    assert (join_heads(split_heads(windows, 3)) == windows).all()


def test_shifted_windows_are_sorted_by_what_they_hold() -> None:
    grid = torch.randn(2, 8, 12, 6)
    order = window_order(2, 8, 12, 4, 2, CPU)
    assert order.counts == (4, 2, 4, 2)
    windows = to_windows(grid, order, 4)
    assert (windows[1, 0] == grid[0, 2, 6]).all(), "an inner window starts at its own shifted corner"
    assert (windows[4, 3] == grid[0, 2, 1]).all(), "one of the last column ends in the first column"
    assert (windows[-1, -1] == grid[1, 1, 1]).all(), "the last one ends in the opposite corner"
    assert (from_windows(windows, order, grid.shape) == grid).all()


def test_moved_gradients_are_those_of_indexing() -> None:
    rows, order = torch.randn(5, 2, dtype=torch.float64, requires_grad=True), torch.tensor([3, 0, 4, 1, 2])
    assert (Moved.apply(rows, order, torch.argsort(order)) == rows[order]).all()
    assert torch.autograd.gradcheck(lambda rows: Moved.apply(rows, order, torch.argsort(order)), rows)


def test_an_order_found_in_inference_serves_training() -> None:
    attention = WindowAttention(channels=4, heads=2, window=2, shift=1)
    grid = torch.randn(3, 10, 6, 4)  # a size that no other test uses
    with torch.inference_mode():
        expected = attention(grid)
    result = attention(grid.requires_grad_())
    torch.testing.assert_close(result, expected)
    result.sum().backward()


@pytest.mark.parametrize(("own", "other"), [(3, 3), (2, 4)])
def test_relative_bias_looks_up_the_offset_rows_first(own: int, other: int) -> None:
    side = own + other - 1
    table = torch.randn(side**2, 2)
    bias = relative_bias(table, own=own, other=other)
    for y, x, v, u in torch.cartesian_prod(*map(torch.arange, (own, own, other, other))).tolist():
        offset = (v - y + own - 1) * side + u - x + own - 1
        assert (bias[:, y * own + x, v * other + u] == table[offset]).all()


def test_heads_must_divide_the_channels() -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        WindowAttention(channels=10, heads=3, window=4, shift=0)
