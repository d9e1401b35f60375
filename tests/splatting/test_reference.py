"""The dense reference: it is the formula, so is its gradient, and first256 stops where the published code does.

All lengths are output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import math

import pytest
import torch
from torch import Tensor

from splatsr.splatting.reference import CUT, TILE_KERNELS, kernel_weights, published_radius, splat_exact, splat_tiles


def splat_first256(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
    return splat_tiles(means, cholesky, colors, size, TILE_KERNELS)


def small_field(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Batch 2, four kernels, two channels, on a 5 x 7 image; no pixel is so near the cut that a derivative sees it."""
    draw = torch.Generator().manual_seed(0)
    means = torch.rand(2, 4, 2, generator=draw, dtype=torch.float64) * torch.tensor([7.0, 5.0])
    cholesky = torch.rand(2, 4, 3, generator=draw, dtype=torch.float64) + torch.tensor([0.6, -0.5, 0.6])
    cholesky[0, 0, 0] *= -1
    cholesky[1, 2, 2] *= -1
    colors = torch.randn(2, 4, 2, generator=draw, dtype=torch.float64)
    smaller, larger = (kernel_weights(means, cholesky * grow, (5, 7)) > 0 for grow in (0.9999, 1.0001))
    assert torch.equal(smaller, larger)
    assert not larger.all()
    return means.to(dtype), cholesky.to(dtype), colors.to(dtype)


def one_colored(means: list[tuple[float, float]], cholesky: tuple[float, float, float], colors: list[float]) -> tuple:
    """One image, one channel, kernels of one shape."""
    shapes = torch.tensor(cholesky, dtype=torch.float64).expand(1, len(means), 3)
    return torch.tensor([means], dtype=torch.float64), shapes, torch.tensor(colors, dtype=torch.float64)[None, :, None]


def test_is_the_formula() -> None:
    means, cholesky, colors = small_field()
    factor = torch.zeros(2, 4, 2, 2, dtype=torch.float64)
    factor[..., 0, 0], factor[..., 1, 0], factor[..., 1, 1] = cholesky.unbind(-1)
    precision = torch.linalg.inv(factor @ factor.mT)
    expected = torch.zeros(2, 2, 5, 7, dtype=torch.float64)
    for row in range(5):
        for column in range(7):
            offset = torch.tensor([column + 0.5, row + 0.5]) - means
            q = torch.einsum("bni,bnij,bnj->bn", offset, precision, offset) / 2
            alpha = torch.exp(-q) * (q <= CUT)
            expected[:, :, row, column] = (alpha[..., None] * colors).sum(1)
    torch.testing.assert_close(splat_exact(means, cholesky, colors, (5, 7)), expected)


def test_gradients() -> None:
    inputs = [part.requires_grad_() for part in small_field()]
    assert torch.autograd.gradcheck(lambda *field: splat_exact(*field, (5, 7)), inputs)
    assert torch.autograd.gradcheck(lambda *field: splat_tiles(*field, (5, 7), 3), inputs)  # drops one of four


def test_singular_kernels_are_empty_and_get_no_gradient() -> None:
    means, _, colors = small_field()
    cholesky = torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1e-9, 0, 1e-9]], dtype=torch.float64).repeat(2, 1, 1)
    inputs = [part.requires_grad_() for part in (means, cholesky, colors)]
    image = splat_exact(*inputs, (5, 7))
    gradients = torch.autograd.grad(image.sum(), inputs)
    assert not any(part.any() for part in (image, *gradients))


@pytest.mark.parametrize(("nudge", "alpha"), [(-1e-9, 1 / 255), (1e-9, 0.0)])
def test_the_cut_is_at_one_part_in_255(nudge: float, alpha: float) -> None:
    support = math.sqrt(2 * CUT) + nudge
    image = splat_exact(*one_colored([(1.5, 2.5 + support)], (3.0, 0.0, 1.0), [1.0]), (4, 6))
    assert float(image[0, 0, 2, 1]) == pytest.approx(alpha, rel=1e-6)


def test_float32_follows_float64() -> None:
    single, double = (splat_exact(*small_field(dtype), (5, 7)) for dtype in (torch.float32, torch.float64))
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-5)


def test_first256_is_exact_while_tiles_are_not_full() -> None:
    field = small_field()
    torch.testing.assert_close(splat_first256(*field, (5, 7)), splat_exact(*field, (5, 7)))


def test_first256_shows_the_first_256_in_index_order() -> None:
    colors = torch.arange(300.0).tolist()
    image = splat_first256(*one_colored([(4.5, 4.5)] * 300, (1.0, 0.0, 1.0), colors), (9, 9))
    assert float(image[0, 0, 4, 4]) == pytest.approx(sum(colors[:256]))


def test_tiles_without_a_limit_show_every_kernel() -> None:
    field = one_colored([(4.5, 4.5)] * 300, (1.0, 0.0, 1.0), [1.0] * 300)
    torch.testing.assert_close(splat_tiles(*field, (9, 9), None), splat_exact(*field, (9, 9)))


def test_first256_counts_per_tile() -> None:
    means = [(4.5, 4.5)] * 256 + [(16.0, 4.5)]  # the last one straddles the border of two tiles; the first tile is full
    image = splat_first256(*one_colored(means, (1.0, 0.0, 1.0), [0.0] * 256 + [1.0]), (9, 30))[0, 0]
    assert float(image[4, 15]) == 0.0
    assert float(image[4, 16]) == pytest.approx(math.exp(-0.125))


def test_first256_counts_kernels_whose_box_alone_touches_the_tile() -> None:
    means = [(20.0, 4.5)] * 256 + [(4.5, 4.5)]  # box radius 4: columns 15.5 to 23.5 counted from 0, light from 16.67 on
    field = one_colored(means, (1.0, 0.0, 1.0), [0.0] * 256 + [1.0])
    assert not kernel_weights(*field[:2], (9, 30))[:, :256, :, :16].any()
    assert not splat_first256(*field, (9, 30)).any()


def test_first256_does_not_count_singular_kernels() -> None:
    means, cholesky, colors = one_colored([(4.5, 4.5)] * 257, (1.0, 0.0, 1.0), [1.0] * 257)
    cholesky = cholesky.clone()
    cholesky[:, :256, 2] = 0.0
    assert float(splat_first256(means, cholesky, colors, (9, 9))[0, 0, 4, 4]) == pytest.approx(1.0)


def test_first256_drops_tails_in_tiles_outside_the_box() -> None:
    field = one_colored([(16.9, 4.5)], (10.0, 0.0, 10.0), [1.0])  # radius 31: last column 47; the cut reaches column 49
    dropped = (splat_exact(*field, (9, 64)) - splat_first256(*field, (9, 64)))[0, 0, 4]
    assert dropped.nonzero().flatten().tolist() == [48, 49]
    assert float(dropped.max()) < math.exp(-4.5)  # beyond three standard deviations


@pytest.mark.parametrize(
    ("cholesky", "radius"),
    [
        ((1.0, 0.0, 1.0), 4), ((10.0, 0.0, 10.0), 31), ((1e-3, 0.0, 1e-3), 2), ((-1.0, 0.0, 1.0), 4),
        ((3.0, 4.0, 0.1), 16), ((0.0, 1.0, 1.0), 0), ((1.0, 1.0, 0.0), 0), ((0.0, 0.0, 0.0), 0),
    ],
)  # fmt: skip
def test_published_radius(cholesky: tuple[float, float, float], radius: int) -> None:
    assert published_radius(torch.tensor([[cholesky]], dtype=torch.float64)).tolist() == [[radius]]
