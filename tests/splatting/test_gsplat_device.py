"""The renderer on gsplat's own functions, on a GPU. Skipped without one, without gsplat or where gsplat does not compile.

A file of its own because compiling takes minutes, once a machine. (test_gsplat_sum.py needs none of that.)
"""

import functools

import pytest
import torch

from kernel_fields import KERNELS, Field, assert_equals_reference, lattice_field, listed_field, noise, random_field, rendered
from splatsr.splatting import gsplat_sum
from splatsr.splatting.gsplat_sum import splat_gsplat
from splatsr.splatting.reference import splat_exact
from splatsr.splatting.self_test import fault

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

equals_reference = functools.partial(assert_equals_reference, renderer=splat_gsplat, gradient=1e-4)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """gsplat, its CUDA code compiled."""
    gsplat = pytest.importorskip("gsplat")
    one = torch.ones(1, 1, 2, device="cuda")
    try:
        gsplat.isect_tiles(one, one.int(), one[..., 0], 16, 1, 1)
    except Exception as error:  # noqa: BLE001 - without nvcc gsplat fails in ways of its own
        pytest.skip(f"gsplat does not compile here: {type(error).__name__}: {error}")


def on_gpu(field: Field) -> Field:
    return tuple(part.cuda() for part in field)


def test_passes_the_self_test() -> None:
    assert fault(splat_gsplat, torch.device("cuda", torch.cuda.current_device()), windows=False) is None


@pytest.mark.parametrize(
    ("size", "batch", "channels"), [((24, 37), 2, 3), ((33, 20), 3, 1), ((17, 9), 1, 5), ((3, 70), 2, 3), ((1, 1), 1, 4)]
)
def test_equals_the_reference(size: tuple[int, int], batch: int, channels: int) -> None:
    equals_reference(on_gpu(random_field(size, batch=batch, channels=channels)), size)


@pytest.mark.parametrize("name", KERNELS)
def test_special_kernels_equal_the_reference(name: str) -> None:
    equals_reference(on_gpu(listed_field(KERNELS[name])), (19, 27))


@pytest.mark.parametrize("lean", [15.0, 17.0, 300.0, 1e5])
def test_thin_kernels_lose_nothing(lean: float) -> None:
    field = on_gpu(listed_field([((20.3, 11.2 + 0.3 * shift), (9.0, -6.0, 6.0 / lean)) for shift in range(5)]))
    assert torch.equal(splat_gsplat(*field, (23, 41)) != 0, splat_exact(*field, (23, 41)) != 0)
    equals_reference(field, (23, 41))


@pytest.mark.parametrize("memory", [gsplat_sum.MEMORY, 20_000_000])
@pytest.mark.parametrize(
    ("lr", "scale", "batch"),
    [((64, 64), 4.0, 4), ((48, 48), 16.0, 1), ((170, 255), 4.0, 1), ((128, 128), 1.0, 2)],
    ids=["crops", "x16", "1K", "x1"],
)
def test_equals_triton(lr: tuple[int, int], scale: float, batch: int, memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-4 of the norm: a pixel on the cut may fall either way. As a whole and in many windows."""
    gpu = pytest.importorskip("splatsr.splatting.gpu", exc_type=ImportError)
    monkeypatch.setattr(gsplat_sum, "MEMORY", memory)
    (means, cholesky, colors), size = lattice_field(lr, (scale, scale), offset_range=1.0)
    shades = colors * torch.linspace(1, 2, batch)[:, None, None]
    field = on_gpu((means.repeat(batch, 1, 1), cholesky.repeat(batch, 1, 1), shades))
    upstream = noise(field, size).cuda()
    torch.cuda.reset_peak_memory_stats()
    ours = rendered(field, size, upstream, splat_gsplat)
    assert torch.cuda.max_memory_allocated() < gsplat_sum.MEMORY + 2**30
    theirs = rendered(field, size, upstream, gpu.splat_gpu)
    for name, own, true in zip(("image", "means", "cholesky", "colors"), ours, theirs, strict=True):
        error = float((own - true).norm() / true.norm())
        assert error < 1e-4, f"{name}: {error}"


def test_a_tile_with_more_kernels_than_one_batch() -> None:
    equals_reference(on_gpu(random_field((30, 21), kernels=1500)), (30, 21))
