"""The GPU renderer on fields small enough for Triton's interpreter, which runs its kernels where there is no GPU.

What the interpreter cannot show (the compiler, memory, launching) is in test_kernels.py and test_gpu_device.py. All lengths are
output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import functools
import inspect
import math
import os

import pytest
import torch
from torch import Tensor

from kernel_fields import KERNELS, Field, assert_equals_reference, lattice_field, listed_field, noise, random_field, rendered
from splatsr.splatting.reference import splat_exact

pytest.importorskip("triton", reason="Triton comes with torch's CUDA builds for Linux")
from splatsr.splatting.gpu import _splat, row_chunks, splat_gpu  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

pytestmark = pytest.mark.filterwarnings(
    "ignore:(invalid value|divide by zero|overflow):RuntimeWarning"
)  # numpy, of the interpreter

equals_reference = functools.partial(assert_equals_reference, renderer=splat_gpu, gradient=1e-4)


def on_device(field: Field) -> Field:
    return tuple(part.to(DEVICE) for part in field)


def gpu_rendered(field: Field, size: tuple[int, int]) -> tuple[Tensor, ...]:
    """Image and gradients for random upstream gradients."""
    return rendered(field, size, noise(field, size).to(DEVICE), splat_gpu)


def test_the_interpreter_is_on_where_there_is_no_gpu() -> None:
    assert DEVICE == "cuda" or os.environ["TRITON_INTERPRET"] == "1"


@pytest.mark.parametrize(
    ("size", "batch", "channels"), [((11, 18), 2, 3), ((17, 9), 1, 1), ((8, 8), 1, 5), ((3, 30), 1, 4), ((1, 1), 2, 2)]
)
def test_equals_the_reference(size: tuple[int, int], batch: int, channels: int) -> None:
    equals_reference(on_device(random_field(size, kernels=7, batch=batch, channels=channels)), size)


@pytest.mark.parametrize("name", KERNELS)
def test_special_kernels_equal_the_reference(name: str) -> None:
    equals_reference(on_device(listed_field(KERNELS[name])), (19, 27))


@pytest.mark.parametrize(
    ("scale", "offset_range", "largest"),
    [
        ((4.0, 4.0), 1.0, False),
        ((4.0, 4.0), 1.0, True),
        ((3.0, 2.5), 2.0, False),
        ((8.7, 8.7), 2.0, True),
        ((1.0, 1.0), 1.0, False),
    ],
)
def test_lattice_fields_equal_the_reference(scale: tuple[float, float], offset_range: float, *, largest: bool) -> None:
    """ContinuousSR's fields with every offset at its limit, and with the dictionary's largest kernel everywhere."""
    field, size = lattice_field((2, 3), scale, offset_range=offset_range, largest=largest)
    equals_reference(on_device(field), size)


def test_order_of_the_kernels_does_not_matter() -> None:
    field, size = lattice_field((2, 3), (4.0, 4.0), offset_range=1.0)
    shuffled = torch.randperm(field[0].shape[1])
    image, *gradients = gpu_rendered(on_device(field), size)
    other, *others = gpu_rendered(on_device(tuple(part[:, shuffled] for part in field)), size)
    torch.testing.assert_close(other, image, rtol=0, atol=1e-5)
    for own, theirs in zip(gradients, others, strict=True):
        assert torch.equal(own[:, shuffled], theirs)  # each gathers for itself


def test_one_enormous_kernel_among_small_ones() -> None:
    field, size = lattice_field((2, 2), (4.0, 4.0), offset_range=1.0)
    field[1][0, 7] = torch.tensor([900.0, 300.0, 800.0])
    equals_reference(on_device(field), size)


def test_a_tree_of_more_roots_than_one_look_sees() -> None:
    """70 000 specks between the pixels of two tiles touch neither; behind them in the list come kernels that show."""
    specks, visible, size = 70_000, 6, (8, 16)
    means = torch.tensor([8.0, 4.0]).repeat(1, specks + visible, 1)
    means[0, :specks, 1] = torch.linspace(0.5, 7.5, specks)
    means[0, specks:] = torch.tensor([15.0, 7.0]) - torch.rand(visible, 2)
    cholesky = torch.tensor([1e-3, 0.0, 1e-3]).repeat(1, specks + visible, 1)
    cholesky[0, specks:] = torch.tensor([2.0, 0.5, 1.0])
    field = on_device((means, cholesky, torch.rand(1, specks + visible, 1)))
    expected = splat_exact(*(part[:, specks:] for part in field), size)
    torch.testing.assert_close(splat_gpu(*field, size), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_kernel_that_is_not_finite_is_empty(bad: float) -> None:
    size, sound = (7, 12), [0, 6]
    means, cholesky, colors = random_field(size, kernels=7)
    for entry in range(5):
        (means[0, 1 + entry] if entry < 2 else cholesky[0, 1 + entry])[entry - 2 * (entry >= 2)] = bad
    field = on_device((means, cholesky, colors))
    image, *gradients = gpu_rendered(field, size)
    rest_image, *rest_gradients = gpu_rendered(tuple(part[:, sound] for part in field), size)
    assert torch.equal(image, rest_image)
    for gradient, rest in zip(gradients, rest_gradients, strict=True):
        torch.testing.assert_close(gradient[:, sound], rest, rtol=1e-6, atol=0)
        assert not gradient[:, 1:6].any()


@pytest.mark.parametrize(("batch", "kernels", "channels"), [(2, 0, 3), (0, 4, 3), (1, 4, 0)])
def test_nothing_makes_black(batch: int, kernels: int, channels: int) -> None:
    field = on_device(random_field((5, 8), kernels=kernels, batch=batch, channels=channels))
    image, *gradients = gpu_rendered(field, (5, 8))
    assert image.shape == (batch, channels, 5, 8)
    assert not image.any()
    assert [gradient.shape for gradient in gradients] == [part.shape for part in field]
    assert not any(gradient.any() for gradient in gradients)


def test_repetition_changes_no_bit() -> None:
    field, size = lattice_field((2, 2), (4.7, 4.7), offset_range=1.0)
    first, second = (gpu_rendered(on_device(field), size) for _ in range(2))
    assert all(torch.equal(part, same) for part, same in zip(first, second, strict=True))


def test_strides_do_not_matter() -> None:
    size = (7, 9)
    means, cholesky, colors = on_device(random_field(size, kernels=4, batch=2))
    scattered = (
        means.transpose(0, 2).contiguous().transpose(0, 2),
        torch.stack([cholesky] * 2, -1).flatten(2)[..., ::2],
        colors,
    )
    upstream = noise((means, cholesky, colors), size).to(DEVICE)
    plain = rendered((means, cholesky, colors), size, upstream, splat_gpu)
    other = rendered(scattered, size, upstream.contiguous(memory_format=torch.channels_last), splat_gpu)
    assert all(torch.equal(part, same) for part, same in zip(plain, other, strict=True))


def test_half_precision_is_widened() -> None:
    size = (7, 9)
    field = tuple(part.bfloat16() for part in on_device(random_field(size, kernels=5)))
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        image, *gradients = gpu_rendered(field, size)
    assert image.dtype == torch.float32
    assert torch.equal(image, splat_gpu(*(part.float() for part in field), size))
    assert all(gradient.dtype == torch.bfloat16 for gradient in gradients)


@pytest.mark.parametrize("wanted", range(3))
def test_only_asked_inputs_get_a_gradient(wanted: int) -> None:
    size = (7, 9)
    field = on_device(random_field(size, kernels=2))
    leaves = [part.clone().requires_grad_(index == wanted) for index, part in enumerate(field)]
    splat_gpu(*leaves, size).backward(noise(field, size).to(DEVICE))
    assert [leaf.grad is not None for leaf in leaves] == [index == wanted for index in range(3)]
    assert torch.equal(leaves[wanted].grad, gpu_rendered(field, size)[1 + wanted])


def test_second_derivatives_are_refused() -> None:
    leaves = [part.requires_grad_() for part in on_device(random_field((4, 5), kernels=2))]
    energy = splat_gpu(*leaves, (4, 5)).square().sum()
    (gradient, *_) = torch.autograd.grad(energy, leaves, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd"):
        gradient.sum().backward()


def test_operator_is_registered_as_torch_expects() -> None:
    leaves = [part.requires_grad_() for part in on_device(random_field((4, 5), kernels=1))]
    torch.library.opcheck(_splat, (*leaves, 4, 5))


def test_compiles_into_one_graph() -> None:
    size = (7, 9)
    field = on_device(random_field(size, kernels=2))
    plain_splat = inspect.unwrap(splat_gpu)  # shape checks switched on for a test run cannot be traced

    def doubled(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
        return 2 * plain_splat(means, cholesky, colors, size)

    compiled = torch.compile(doubled, fullgraph=True, backend="aot_eager")
    upstream = noise(field, size).to(DEVICE)
    ours, plain = (rendered(field, size, upstream, renderer) for renderer in (compiled, doubled))
    assert all(torch.equal(part, same) for part, same in zip(ours, plain, strict=True))


def test_row_chunks_keep_the_average_program_short() -> None:
    """Lattice fields at any scale have programs of about a thousand pixels, and no more programs than need be."""
    for scale in (1, 4, 16, 48):
        kernels, side = 4 * 48 * 48, 48 * scale
        chunks = row_chunks(kernels, side, side)
        box = 16 * side * side / kernels
        assert box / chunks <= 2048
        assert chunks == 1 or box / chunks >= 256
    assert row_chunks(1, 3, 100_000) == 4
