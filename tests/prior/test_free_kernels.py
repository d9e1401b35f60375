import pytest
import torch
from torch import Tensor

from splatsr.prior.free_kernels import FreeKernels
from splatsr.splatting import splat

SIZE = (10, 14)


def kernels(variant: str = "cholesky", *, count: int = 6, published_gradient: bool = False) -> FreeKernels:
    return FreeKernels(
        variant=variant, count=count, size=SIZE, seeds=[3, 4], color_range=[0.0, 1.0], l21_range=[0.0, 1.0],
        published_gradient=published_gradient,
    ).double()  # fmt: skip


def test_first_values_are_the_published_ones() -> None:
    many = kernels(count=4000)
    means, cholesky, colors = many()
    assert means[..., 0].min() >= 0.5
    assert means[..., 0].max() <= SIZE[1] + 0.5
    assert means.mean((0, 1)).tolist() == pytest.approx([SIZE[1] / 2 + 0.5, SIZE[0] / 2 + 0.5], abs=0.1)
    assert cholesky.mean((0, 1)).tolist() == pytest.approx([1, 0.5, 1], abs=0.02)
    assert cholesky[..., 0].min() >= 0.5
    assert cholesky[..., 0].max() <= 1.5
    assert colors.mean().item() == pytest.approx(0.5, abs=0.02)


def test_an_image_draws_from_its_own_seed() -> None:
    alone = FreeKernels(
        variant="cholesky", count=6, size=SIZE, seeds=[4], color_range=[0.0, 1.0], l21_range=[0.0, 1.0],
        published_gradient=False,
    ).double()  # fmt: skip
    for one, both in zip(alone(), kernels()(), strict=True):
        torch.testing.assert_close(one[0], both[1])
        assert not torch.allclose(one[0], both[0])


def test_positions_span_the_image_and_pixels_are_sampled_at_whole_numbers() -> None:
    chosen = kernels(count=2)
    with torch.no_grad():
        chosen.position[0] = torch.tensor([[-30.0, -30.0], [30.0, 30.0]])
        chosen.position[1, 0] = torch.atanh(2 * torch.tensor([5.0, 3.0]) / torch.tensor([14.0, 10.0]) - 1)
        chosen.color[1, 1] = 0
        means, cholesky, colors = chosen()
        assert (means[0] - 0.5).tolist() == [[0, 0], [14, 10]]
        image = splat(means, cholesky, colors, SIZE)[1]
    torch.testing.assert_close(image[:, 3, 5], colors[1, 0])  # row 3, column 5: the peak is the color
    assert image[0].argmax() == 3 * 14 + 5


def test_two_scales_and_an_angle_are_a_covariance() -> None:
    chosen = kernels("rotation_scale")
    (s1, s2), angle = (chosen.shape[..., :2] + 0.5).abs().unbind(-1), 2 * torch.pi * torch.sigmoid(chosen.shape[..., 2])
    l11, l21, l22 = chosen()[1].unbind(-1)
    sine, cosine = torch.sin(angle), torch.cos(angle)
    torch.testing.assert_close(l11**2, (s1 * cosine) ** 2 + (s2 * sine) ** 2)
    torch.testing.assert_close(l11 * l21, (s2**2 - s1**2) * sine * cosine)
    torch.testing.assert_close(l21**2 + l22**2, (s1 * sine) ** 2 + (s2 * cosine) ** 2)


def loss_through_covariances(chosen: FreeKernels, upstream: Tensor, *, doubled: bool) -> Tensor:
    """The same image, written with Sigma; the gradient of its off-diagonal entry counts twice where `doubled`."""
    means, cholesky, colors = chosen()
    l11, l21, l22 = cholesky.unbind(-1)
    sxx, sxy, syy = l11**2, l11 * l21, l21**2 + l22**2
    if doubled:
        sxy.register_hook(lambda gradient: 2 * gradient)
    first = sxx.sqrt()
    second = sxy / first
    rows = torch.stack([first, second, (syy - second**2).sqrt()], -1)
    return (splat(means, rows, colors, SIZE) * upstream).sum()


@pytest.mark.parametrize("variant", ["cholesky", "rotation_scale"])
def test_the_published_gradient_doubles_the_off_diagonal_term(variant: str) -> None:
    upstream = torch.randn(2, 3, *SIZE, dtype=torch.float64)
    gradients = {}
    for published in (False, True):
        ours, dense = kernels(variant, published_gradient=published), kernels(variant)
        (splat(*ours(), SIZE) * upstream).sum().backward()
        loss_through_covariances(dense, upstream, doubled=published).backward()
        for one, other in zip(ours.parameters(), dense.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-8, atol=1e-10)
        gradients[published] = ours
    assert not torch.allclose(gradients[True].shape.grad, gradients[False].shape.grad, rtol=0.01)
    assert torch.equal(gradients[True].position.grad, gradients[False].position.grad)


def test_an_empty_kernel_leaves_no_nan_behind() -> None:
    chosen = kernels(published_gradient=True)
    with torch.no_grad():
        chosen.shape[0, 0, 0] = chosen.shape[0, 1, 2] = -0.5  # l11, l22 = 0
    splat(*chosen(), SIZE).sum().backward()
    assert chosen.shape.grad.isfinite().all()
    assert chosen.shape.grad[0, :2].abs().sum() == 0


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="cholesky or rotation_scale"):
        kernels("round")
