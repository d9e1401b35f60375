import torch

from splatsr.splatting import splat
from splatsr.splatting.published_gradient import PublishedGradient


def doubled(cholesky: torch.Tensor, through: torch.Tensor) -> torch.Tensor:
    """What the renderer's authors compute: the chain rule from the covariance, its off-diagonal derivative taken twice."""
    l11, l21, l22 = cholesky.detach().unbind(-1)
    a, b, d = (entry.requires_grad_() for entry in (l11**2, l11 * l21, l21**2 + l22**2))
    first = a.sqrt()
    rows = torch.stack([first, b / first, (d - (b / first) ** 2).sqrt()], dim=-1)
    g_a, g_b, g_d = torch.autograd.grad((rows * through).sum(), (a, b, d))
    return torch.stack([2 * l11 * g_a + 2 * l21 * g_b, 2 * l11 * g_b + 2 * l21 * g_d, 2 * l22 * g_d], dim=-1)


def test_the_off_diagonal_counts_twice() -> None:
    cholesky = torch.tensor([[[1.2, 0.5, 0.8], [0.7, -0.4, 1.5], [2.0, 0.0, 1.0]]], dtype=torch.float64, requires_grad=True)
    means = torch.tensor([[[3.1, 4.2], [5.0, 3.3], [7.2, 6.6]]], dtype=torch.float64)
    colors, upstream = torch.rand(1, 3, 3, dtype=torch.float64), torch.randn(1, 3, 9, 11, dtype=torch.float64)

    def gradient(rows: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad((splat(means, rows, colors, (9, 11)) * upstream).sum(), cholesky)[0]

    true, published = gradient(cholesky), gradient(PublishedGradient.apply(cholesky))
    torch.testing.assert_close(published, doubled(cholesky, true))
    assert not torch.allclose(published, true)
    torch.testing.assert_close(published[0, 2, 0], true[0, 2, 0]), "upright kernels differ in l21 alone"


def test_scaling_may_come_before_or_after() -> None:
    cholesky = torch.tensor([[0.4, 0.2, 0.3]], requires_grad=True)
    scale, upstream = torch.tensor([3.0, 5.0, 5.0]), torch.randn(1, 3)
    before = torch.autograd.grad((PublishedGradient.apply(cholesky) * scale * upstream).sum(), cholesky)[0]
    after = torch.autograd.grad((PublishedGradient.apply(cholesky * scale) * upstream).sum(), cholesky)[0]
    torch.testing.assert_close(before, after)


def test_empty_kernels_keep_their_zero() -> None:
    cholesky = torch.tensor([[0.0, 1.0, 0.0]], requires_grad=True)
    PublishedGradient.apply(cholesky).mul(0).sum().backward()
    assert cholesky.grad.tolist() == [[0, 0, 0]]
