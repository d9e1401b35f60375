"""Kernels that end at a window around their centres: the fast renderers against the definition.

All lengths are output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from kernel_fields import KERNELS, Field, listed_field, noise, random_field, rendered
from splatsr.splatting import splat, splat_windowed
from splatsr.splatting.reference import kernel_weights, splat_windowed_exact

SIZE = (19, 27)
REACHES = [(1.6, 4.3), (40.0, 2.2), (math.inf, math.inf), (0.3, 0.3)]


def clear_of_the_edge(field: Field, size: tuple[int, int], reach: tuple[float, float]) -> Tensor:
    """1 where no kernel's window ends within 1e-4 of a pixel's centre, else 0: there rounding alone decides."""
    field = tuple(part.double() for part in field)
    near, far = (
        kernel_weights(field[0], 1e6 * field[1].new_tensor([1.0, 0.0, 1.0]).expand_as(field[1]), size, reach) > 0
        for reach in ((reach[0] - 1e-4, reach[1] - 1e-4), (reach[0] + 1e-4, reach[1] + 1e-4))
    )
    return (near == far).all(1, keepdim=True).float()


def assert_is_the_definition(
    field: Field, size: tuple[int, int], reach: tuple[float, float], renderer: object = splat_windowed
) -> None:
    clear = clear_of_the_edge(field, size, reach)
    upstream = noise(field, size).to(clear.device) * clear
    ours = rendered(field, size, upstream, partial(renderer, reach=reach))
    theirs = rendered(
        tuple(part.double() for part in field), size, upstream.double(), partial(splat_windowed_exact, reach=reach)
    )
    for name, own, true in zip(("image", "means", "cholesky", "colors"), ours, theirs, strict=True):
        limit = (2e-6 if name == "image" else 2e-4) * max(1.0, float(true.abs().max()))
        error = (own - true) * clear if name == "image" else own - true
        assert float(error.abs().max()) <= limit, f"{name}: {float(error.abs().max())} > {limit}"


@pytest.mark.parametrize("reach", REACHES)
def test_random_fields_are_the_definition(reach: tuple[float, float]) -> None:
    assert_is_the_definition(random_field(SIZE, batch=2), SIZE, reach)
    assert_is_the_definition(random_field((50, 75), kernels=20, channels=1), (50, 75), reach)


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "larger than the image"])
@pytest.mark.parametrize("reach", REACHES)
def test_special_kernels_are_the_definition(name: str, reach: tuple[float, float]) -> None:
    assert_is_the_definition(listed_field(KERNELS[name]), SIZE, reach)


def test_a_narrow_window_ends_a_wide_kernel_on_both_axes() -> None:
    field = (torch.tensor([[[5.5, 4.5]]]), torch.tensor([[[50.0, 0.0, 50.0]]]), torch.ones(1, 1, 1))
    lit = splat_windowed(*field, (9, 11), (1.2, 3.2))[0, 0] > 0
    expected = torch.zeros(9, 11, dtype=torch.bool)
    expected[3:6, 2:9] = True
    assert torch.equal(lit, expected)


def test_without_a_window_tails_are_there_that_splat_cuts() -> None:
    field = random_field(SIZE)
    whole, cut = splat_windowed(*field, SIZE, (math.inf, math.inf)), splat(*field, SIZE)
    assert 1e-3 < float((whole - cut).abs().max()) < 60 / 255


def test_the_window_has_the_gradients_of_its_definition() -> None:
    field = tuple(part.double().requires_grad_() for part in random_field((5, 6), kernels=3, seed=4))
    field[1].data[..., 0::2] += 0.5
    assert torch.autograd.gradcheck(lambda *parts: splat_windowed(*parts, (5, 6), (1.7, 2.2)), field)


@pytest.mark.parametrize("reach", [(-1.0, 2.0), (math.nan, 1.0)])
def test_windows_that_are_none_are_refused(reach: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="reach must be"):
        splat_windowed(*random_field(SIZE), SIZE, reach)


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero|overflow):RuntimeWarning")  # numpy, of the interpreter
@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU Triton has no interpreter")
@pytest.mark.parametrize("reach", REACHES[::3])
def test_tritons_renderer_is_the_definition_too(reach: tuple[float, float]) -> None:
    pytest.importorskip("triton", reason="Triton comes with torch's CUDA builds for Linux")
    from splatsr.splatting.gpu import splat_gpu  # its kernels are the interpreter's here (tests/conftest.py)

    size = (9, 14)
    assert_is_the_definition(random_field(size, kernels=6), size, reach, splat_gpu)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("reach", REACHES)
def test_a_gpu_draws_the_definition(reach: tuple[float, float]) -> None:
    for kernels, size in ((60, SIZE), (2000, (70, 90))):
        field = random_field(size, kernels=kernels, batch=2)
        assert_is_the_definition(tuple(part.cuda() for part in field), size, reach)
