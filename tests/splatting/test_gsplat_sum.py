"""The renderer on gsplat's functions, with a double of them that needs no GPU. (With gsplat's own: test_gsplat_device.py.)

All lengths are output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

import gsplat_double
from kernel_fields import KERNELS, assert_equals_reference, lattice_field, listed_field, noise, random_field, rendered
from splatsr.splatting import gsplat_sum
from splatsr.splatting.gsplat_sum import splat_gsplat
from splatsr.splatting.reference import CUT, splat_exact

equals_reference = functools.partial(assert_equals_reference, renderer=splat_gsplat, gradient=1e-4)


@pytest.fixture(autouse=True)
def _double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(gsplat_sum, "_gsplat", lambda: gsplat_double)
    yield


def altered(monkeypatch: pytest.MonkeyPatch, change: Callable[..., tuple]) -> list[int]:
    """Lets `change` replace the arguments of the listing; the length of every list that it makes."""
    lengths: list[int] = []

    def rasterize(*arguments: object) -> tuple[Tensor, ...]:
        found = gsplat_double.rasterize_to_indices_in_range(*change(*arguments))
        lengths.append(len(found[0]))
        return found

    functions = {name: getattr(gsplat_double, name) for name in ("isect_tiles", "isect_offset_encode")}
    double = SimpleNamespace(**functions, rasterize_to_indices_in_range=rasterize)
    monkeypatch.setattr(gsplat_sum, "_gsplat", lambda: double)
    return lengths


@pytest.mark.parametrize("name", ["isect_tiles", "isect_offset_encode", "rasterize_to_indices_in_range"])
def test_the_double_takes_gsplats_arguments(name: str) -> None:
    theirs = inspect.signature(getattr(pytest.importorskip("gsplat"), name)).parameters.values()
    required = [parameter.name for parameter in theirs if parameter.default is parameter.empty]
    assert list(inspect.signature(getattr(gsplat_double, name)).parameters) == required


@pytest.mark.parametrize(
    ("size", "batch", "channels"), [((24, 37), 2, 3), ((33, 20), 3, 1), ((17, 9), 1, 5), ((3, 70), 2, 3), ((1, 1), 1, 4)]
)
def test_equals_the_reference(size: tuple[int, int], batch: int, channels: int) -> None:
    equals_reference(random_field(size, batch=batch, channels=channels, kernels=30), size)


@pytest.mark.parametrize("name", KERNELS)
def test_special_kernels_equal_the_reference(name: str) -> None:
    field = listed_field(KERNELS[name])
    equals_reference(field, (19, 27))
    for alone in range(len(KERNELS[name])):  # the others' gradients may dwarf its own
        equals_reference(tuple(part[:, alone : alone + 1] for part in field), (19, 27))


def test_lattice_fields_equal_the_reference() -> None:
    field, size = lattice_field((4, 5), (4.0, 3.3), offset_range=1.0)
    equals_reference(field, size)


def test_the_same_pairs_count_as_in_the_reference() -> None:
    """On the cut too: twenty kernels whose q is within a few roundings of ln 255 at the pixel in the middle."""
    distance = 2 * math.sqrt(2 * CUT)
    means = torch.full((1, 41, 2), 9.5)
    means[0, :, 0] -= distance * (1 + 6e-8 * torch.arange(-20, 21))
    field = means, torch.tensor([2.0, 0.0, 2.0]).expand(1, 41, 3), torch.eye(41)[None]
    reached = splat_exact(*field, (19, 19))[0, :, 9, 9] > 0
    assert 0 < int(reached.sum()) < 41
    assert torch.equal(splat_gsplat(*field, (19, 19))[0, :, 9, 9] > 0, reached)


@pytest.mark.parametrize("lean", [15.0, 17.0, 300.0, 1e5])
def test_kernels_thinner_than_gsplat_may_see_lose_nothing(lean: float) -> None:
    kernels = [((20.3, 11.2 + 0.3 * shift), (9.0, -6.0, 6.0 / lean)) for shift in range(5)]
    field = listed_field(kernels)
    assert torch.equal(splat_gsplat(*field, (23, 41)) != 0, splat_exact(*field, (23, 41)) != 0)
    equals_reference(field, (23, 41))


def test_a_list_that_starts_like_gsplats_own_renderers_ends_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transmittance 1 instead of infinity: what shows that the double composites as gsplat does."""
    field = random_field((24, 37))
    exact = splat_exact(*field, (24, 37))
    altered(monkeypatch, lambda start, end, transmittances, *rest: (start, end, torch.ones_like(transmittances), *rest))
    assert float((splat_gsplat(*field, (24, 37)) - exact).abs().max()) > 0.5


@pytest.mark.parametrize("memory", [0, 40_000_000], ids=["batches", "strips"])
def test_windows_equal_the_whole(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into images, strips, tiles and, where a tile has more kernels than fit, batches of 256."""
    size = (20, 37)
    field = random_field(size, kernels=300, batch=2)
    field[1][:, :280] *= 20  # nearly all kernels touch every tile
    upstream = noise(field, size)
    lengths = altered(monkeypatch, lambda *arguments: arguments)
    whole = rendered(field, size, upstream, splat_gsplat)
    assert len(lengths) == 2  # forward and backward
    monkeypatch.setattr(gsplat_sum, "MEMORY", memory)
    lengths.clear()
    parts = rendered(field, size, upstream, splat_gsplat)
    assert len(lengths) > 2
    for part, same in zip(parts, whole, strict=True):
        torch.testing.assert_close(part, same, rtol=1e-4, atol=1e-5 * float(same.abs().max()))
    most = max(memory // (gsplat_sum.PAIR + 36), 256 * 256)
    assert max(lengths) <= most


def test_far_from_the_origin_is_as_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    means, cholesky, colors = random_field((12, 30), kernels=20)
    monkeypatch.setattr(gsplat_sum, "MEMORY", 1_000_000)
    equals_reference((means + torch.tensor([2960.0, 0.0]), cholesky, colors), (12, 3000))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("entry", range(5))
def test_a_kernel_that_is_not_finite_is_empty(entry: int, bad: float) -> None:
    size, sound = (14, 21), [0, 1, 2, 3, 5, 6]
    means, cholesky, colors = random_field(size, kernels=7)
    (means[0, 4] if entry < 2 else cholesky[0, 4])[entry - 2 * (entry >= 2)] = bad
    field = means, cholesky, colors
    image, *gradients = rendered(field, size, noise(field, size), splat_gsplat)
    rest = tuple(part[:, sound] for part in field)
    rest_image, *rest_gradients = rendered(rest, size, noise(field, size), splat_gsplat)
    assert torch.equal(image, rest_image)
    for gradient, rest_gradient in zip(gradients, rest_gradients, strict=True):
        assert torch.equal(gradient[:, sound], rest_gradient)
        assert not gradient[:, 4].any()


@pytest.mark.parametrize(
    "kernel",
    [
        ((1e20, 3), (1, 1, 1)), ((4, -1e20), (1, 1, 1)), ((-1e14, 1e14), (1e14, 1, 1e14)), ((4, 3), (1e14, 1e14, 1.1e-6)),
        ((4, 3), (1e15, 1e15, 1e15)), ((4.5, 3.5), (1.1e-6, 3, 1.1e-6)), ((4, 3), (3e38, 3e38, 3e38)),
        ((4.5, 3.5), (1.1e-6, 1e15, 1.1e-6)), ((0, -5e11), (1e11, 1e12, 10)), ((5e11, 4), (1e15, 1, 1)),
    ],
)  # fmt: skip
def test_huge_values_stay_finite(kernel: tuple) -> None:
    field = listed_field([kernel, ((4, 3), (1, 0, 1))])
    ours = rendered(field, (7, 9), noise(field, (7, 9)), splat_gsplat)
    assert all(part.isfinite().all() for part in ours)
    torch.testing.assert_close(ours[0], splat_exact(*field, (7, 9)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("batch", "kernels", "channels"), [(2, 0, 3), (0, 4, 3), (1, 4, 0)])
def test_nothing_makes_black(batch: int, kernels: int, channels: int) -> None:
    field = random_field((5, 8), kernels=kernels, batch=batch, channels=channels)
    image, *gradients = rendered(field, (5, 8), noise(field, (5, 8)), splat_gsplat)
    assert image.shape == (batch, channels, 5, 8)
    assert not image.any()
    assert [gradient.shape for gradient in gradients] == [part.shape for part in field]
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("wanted", range(3))
def test_only_asked_inputs_get_a_gradient(wanted: int) -> None:
    size = (7, 9)
    field = random_field(size, kernels=4)
    leaves = [part.clone().requires_grad_(index == wanted) for index, part in enumerate(field)]
    splat_gsplat(*leaves, size).backward(noise(field, size))
    assert [leaf.grad is not None for leaf in leaves] == [index == wanted for index in range(3)]


def test_strides_do_not_matter() -> None:
    size = (18, 23)
    means, cholesky, colors = random_field(size, kernels=12, batch=2)
    upstream = noise((means, cholesky, colors), size)
    scattered = means.transpose(0, 2).contiguous().transpose(0, 2), torch.stack([cholesky] * 2, -1).flatten(2)[..., ::2], colors
    plain = rendered((means, cholesky, colors), size, upstream, splat_gsplat)
    other = rendered(scattered, size, upstream.contiguous(memory_format=torch.channels_last), splat_gsplat)
    assert all(torch.equal(part, same) for part, same in zip(plain, other, strict=True))


def test_half_precision_is_widened_and_inference_mode_is_no_matter() -> None:
    field = tuple(part.bfloat16() for part in random_field((7, 9), kernels=5))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        image = splat_gsplat(*field, (7, 9))
    assert image.dtype == torch.float32
    torch.testing.assert_close(image, splat_exact(*(part.float() for part in field), (7, 9)), rtol=0, atol=1e-5)
