"""The compiled splatter: equal to the dense reference in float64, and what any sum of kernels must satisfy.

All lengths are output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import inspect
import math
from collections.abc import Iterator

import pytest
import torch

from kernel_fields import KERNELS, Kernel, assert_equals_reference, listed_field, noise, random_field, rendered
from splatsr.splatting import splat
from splatsr.splatting.reference import CUT, splat_exact

NAN, INF = math.nan, math.inf


@pytest.fixture
def restored_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(24, 37), (33, 20), (17, 9), (3, 70), (40, 1), (1, 40), (1, 1)])
def test_equals_the_reference(size: tuple[int, int], channels: int) -> None:
    assert_equals_reference(random_field(size, batch=2, channels=channels), size)


@pytest.mark.parametrize("name", KERNELS)
def test_special_kernels_equal_the_reference(name: str) -> None:
    field = listed_field(KERNELS[name])
    assert_equals_reference(field, (19, 27))
    for alone in range(len(KERNELS[name])):  # the others' gradients may dwarf its own
        assert_equals_reference(tuple(part[:, alone : alone + 1] for part in field), (19, 27))


def test_far_from_the_origin_is_as_exact() -> None:
    means, cholesky, colors = random_field((12, 30))
    assert_equals_reference((means + torch.tensor([2960.0, 0.0]), cholesky, colors), (12, 3000))


@pytest.mark.parametrize("cholesky", [(0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0), (1e-9, 1e-9, 1e-9)])
def test_a_singular_kernel_is_empty_and_gets_no_gradient(cholesky: tuple[float, float, float]) -> None:
    field = listed_field([((4.5, 3.5), cholesky)])
    assert not any(part.any() for part in rendered(field, (7, 9), torch.ones(1, 3, 7, 9)))


@pytest.mark.parametrize("length", [1e6, 1e12, 1e19, 1e20, 3e38])
def test_an_enormous_kernel_is_constant_or_empty(length: float) -> None:
    image = splat(*listed_field([((4.0, 3.0), (length, 0.0, length))]), (20, 9))
    torch.testing.assert_close(image, image[..., :1, :1].expand_as(image))


@pytest.mark.parametrize(
    "kernel",
    [
        ((1e20, 3), (1, 1, 1)), ((4, -1e20), (1, 1, 1)), ((1e20, 1e20), (1e20, 1, 1e20)),
        ((-1e18, 1e18), (1e18, 1, 1e18)), ((-1e14, 1e14), (1e14, 1, 1e14)), ((4, 3), (1e14, 1e14, 1.1e-6)),
        ((4, 3), (1e20, 1, 1)), ((4, 3), (1, 1e20, 1)), ((4, 3), (1, 1, 1e20)), ((4, 3), (1e20, 1e20, 1e20)),
        ((4.5, 3.5), (1e-6, 1e20, 1e-6)), ((4.5, 3.5), (1.1e-6, 3, 1.1e-6)), ((4, 3), (3e38, 3e38, 3e38)),
        ((0, -5e11), (1e11, 1e12, 10)), ((0, -5e11), (1e11, -1e12, 10)), ((5e11, 4), (1e15, 1, 1)),
    ],
)  # fmt: skip
def test_huge_values_stay_finite(kernel: Kernel) -> None:
    field = listed_field([kernel, ((4, 3), (1, 0, 1))])
    for part in rendered(field, (7, 9), noise(field, (7, 9))):
        assert part.isfinite().all()


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("entry", range(5))
def test_a_kernel_that_is_not_finite_is_empty(entry: int, bad: float) -> None:
    means, cholesky, colors = random_field((14, 21), kernels=9)
    (means[0, 4] if entry < 2 else cholesky[0, 4])[entry - 2 * (entry >= 2)] = bad
    others = [0, 1, 2, 3, 5, 6, 7, 8]
    field = means, cholesky, colors
    image, *gradients = rendered(field, (14, 21), noise(field, (14, 21)))
    rest = tuple(part[:, others] for part in field)
    rest_image, *rest_gradients = rendered(rest, (14, 21), noise(field, (14, 21)))
    assert torch.equal(image, rest_image)
    for gradient, rest_gradient in zip(gradients, rest_gradients, strict=True):
        assert torch.equal(gradient[:, others], rest_gradient)
        assert not gradient[:, 4].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_kernels_make_black(dtype: torch.dtype) -> None:
    field = tuple(torch.zeros(2, 0, k, dtype=dtype) for k in (2, 3, 4))
    image, *gradients = rendered(field, (5, 8), torch.ones(2, 4, 5, 8, dtype=dtype))
    assert image.shape == (2, 4, 5, 8)
    assert not image.any()
    assert [tuple(gradient.shape) for gradient in gradients] == [(2, 0, 2), (2, 0, 3), (2, 0, 4)]


@pytest.mark.usefixtures("restored_threads")
def test_threads_and_repetition_change_no_bit() -> None:
    size = (70, 45)
    field = random_field(size, kernels=5000, batch=2)
    runs = []
    for threads in (1, 2, 2, 1):
        torch.set_num_threads(threads)
        runs.append(rendered(field, size, noise(field, size)))
    for run in runs[1:]:
        assert all(torch.equal(part, first) for part, first in zip(run, runs[0], strict=True))


def test_x_and_y_are_not_swapped() -> None:
    means, cholesky = torch.tensor([[[12.5, 3.5]]]), torch.tensor([[[4.0, 0.0, 1.0]]])  # wide along x
    image = splat(means, cholesky, torch.tensor([[[2.0]]]), (8, 25))[0, 0]
    one_sigma = 2 * math.exp(-0.5)
    for (row, column), value in {(3, 12): 2.0, (3, 16): one_sigma, (3, 8): one_sigma, (4, 12): one_sigma}.items():
        assert float(image[row, column]) == pytest.approx(value, rel=1e-6)


def test_l21_tilts_towards_growing_y() -> None:
    means, cholesky = torch.tensor([[[4.5, 4.5]]]), torch.tensor([[[2.0, 2.0, 0.5]]])
    image = splat(means, cholesky, torch.ones(1, 1, 1), (9, 9))[0, 0]
    assert float(image[6, 6]) == pytest.approx(math.exp(-0.5), rel=1e-6)  # p - c = (2, 2) = L (1, 0)
    assert float(image[6, 2]) == 0.0


@pytest.mark.parametrize("axis", [0, 1])
def test_the_cut_is_at_one_part_in_255(axis: int) -> None:
    means = torch.full((1, 2, 2), 9.5)
    means[0, :, axis] -= 2 * math.sqrt(2 * CUT) * torch.tensor([0.999, 1.001])
    cholesky = torch.tensor([2.0, 0.0, 2.0]).expand(1, 2, 3)
    inside, outside = splat(means, cholesky, torch.eye(2)[None], (19, 19))[0, :, 9, 9]  # a channel for each kernel
    assert float(inside) == pytest.approx(1 / 255, rel=0.02)
    assert float(outside) == 0.0


def test_kernels_add_up() -> None:
    first, second = (random_field((18, 23), kernels=40, seed=seed) for seed in (2, 3))
    both = tuple(torch.cat(parts, 1) for parts in zip(first, second, strict=True))
    torch.testing.assert_close(splat(*both, (18, 23)), splat(*first, (18, 23)) + splat(*second, (18, 23)))


def test_linear_in_colors() -> None:
    means, cholesky, colors = random_field((18, 23))
    other = torch.rand_like(colors)
    expected = 2 * splat(means, cholesky, colors, (18, 23)) - 3 * splat(means, cholesky, other, (18, 23))
    torch.testing.assert_close(splat(means, cholesky, 2 * colors - 3 * other, (18, 23)), expected, rtol=0, atol=2e-5)


def test_whole_pixel_translation_moves_the_image() -> None:
    means, cholesky, colors = random_field((20, 31))
    means = (64 * means).round() / 64  # so that the shifted centres are exact too
    image = splat(means, cholesky, colors, (20, 31))
    moved = splat(means + torch.tensor([37.0, 18.0]), cholesky, colors, (45, 80))
    torch.testing.assert_close(moved[..., 18:38, 37:68], image, rtol=0, atol=1e-5)


def test_images_of_a_batch_are_independent() -> None:
    field = random_field((18, 23), batch=3)
    alone = torch.cat([splat(*(part[b : b + 1] for part in field), (18, 23)) for b in range(3)])
    assert torch.equal(splat(*field, (18, 23)), alone)


def test_strides_do_not_matter() -> None:
    size = (18, 23)
    means, cholesky, colors = random_field(size, batch=2)
    colors = colors[..., :1].expand(-1, -1, 3)
    upstream = noise((means, cholesky, colors), size)
    plain = rendered((means, cholesky, colors.contiguous()), size, upstream)
    scattered = (
        means.transpose(0, 2).contiguous().transpose(0, 2),
        torch.stack([cholesky, cholesky], -1).flatten(2)[..., ::2],
        colors,
    )
    assert not any(part.is_contiguous() for part in scattered)
    channels_last = upstream.contiguous(memory_format=torch.channels_last)
    for part, same in zip(rendered(scattered, size, channels_last), plain, strict=True):
        assert torch.equal(part, same)
    ones = [rendered(scattered, size, one) for one in (torch.ones(()).expand(2, 3, *size), torch.ones(2, 3, *size))]
    assert all(torch.equal(part, same) for part, same in zip(*ones, strict=True))


@pytest.mark.parametrize("wanted", range(3))
def test_only_asked_inputs_get_a_gradient(wanted: int) -> None:
    field = random_field((18, 23))
    upstream = noise(field, (18, 23))
    leaves = [part.clone().requires_grad_(index == wanted) for index, part in enumerate(field)]
    splat(*leaves, (18, 23)).backward(upstream)
    assert [leaf.grad is not None for leaf in leaves] == [index == wanted for index in range(3)]
    assert torch.equal(leaves[wanted].grad, rendered(field, (18, 23), upstream)[1 + wanted])


def test_no_graph_without_need() -> None:
    field = random_field((18, 23))
    image = splat(*field, (18, 23))
    assert not image.requires_grad
    with torch.inference_mode():
        assert torch.equal(splat(*field, (18, 23)), image)


def test_second_derivatives_are_refused() -> None:
    leaves = [part.requires_grad_() for part in random_field((18, 23))]
    energy = splat(*leaves, (18, 23)).square().sum()
    (gradient, *_) = torch.autograd.grad(energy, leaves, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_float64_takes_the_reference() -> None:
    field = tuple(part.double() for part in random_field((18, 23)))
    image = splat(*field, (18, 23))
    assert image.dtype == torch.float64
    assert torch.equal(image, splat_exact(*field, (18, 23)))


MEANS, CHOLESKY, COLORS = torch.ones(2, 5, 2), torch.ones(2, 5, 3), torch.ones(2, 5, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((MEANS[0], CHOLESKY[0], COLORS[0], (4, 6)), "means"),
        ((CHOLESKY, CHOLESKY, COLORS, (4, 6)), "means"),
        ((MEANS, MEANS, COLORS, (4, 6)), "cholesky"),
        ((MEANS, CHOLESKY[:, :4], COLORS, (4, 6)), "same B and N"),
        ((MEANS, CHOLESKY, COLORS[:1], (4, 6)), "same B and N"),
        ((MEANS.double(), CHOLESKY, COLORS, (4, 6)), "dtype"),
        ((MEANS, CHOLESKY, COLORS.half(), (4, 6)), "dtype"),
        ((MEANS.int(), CHOLESKY.int(), COLORS.int(), (4, 6)), "dtype"),
        ((MEANS, CHOLESKY, COLORS, (0, 6)), "size"),
        ((MEANS, CHOLESKY, COLORS, (4, -6)), "size"),
        ((MEANS, CHOLESKY, COLORS, (4, 6), "first_256"), "mode"),
        ((MEANS, CHOLESKY, COLORS, (4, 6), None), "mode"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple, message: str) -> None:
    plain = inspect.unwrap(splat)  # shape checks switched on for a test run would speak first
    with pytest.raises(ValueError, match=message):
        plain(*arguments)
