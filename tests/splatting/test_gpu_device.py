"""The GPU renderer on a GPU: real sizes, CUDA graphs, no host synchronisation, autocast, compilation. Skipped without one.

(test_gpu.py runs its small cases on the GPU too, where there is one.)
"""

import inspect

import pytest
import torch
from torch import Tensor

from kernel_fields import Field, assert_equals_reference, lattice_field, noise, random_field, rendered
from splatsr.splatting import choice, splat, use_renderer
from splatsr.splatting.choice import Choice, chosen_renderer

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

Lattice = tuple[Field, tuple[int, int]]


def on_gpu(lattice: Lattice, batch: int = 1) -> Lattice:
    """The field on the GPU, repeated with other colors for each image."""
    (means, cholesky, colors), size = lattice
    repeated = (part.repeat(batch, 1, 1) for part in (means, cholesky))
    shades = colors * torch.linspace(1, 2, batch)[:, None, None]
    return tuple(part.cuda() for part in (*repeated, shades)), size


def image_and_gradients(field: Field, size: tuple[int, int]) -> tuple[Tensor, ...]:
    return rendered(field, size, noise(field, size).cuda())


@pytest.mark.parametrize(
    ("scale", "offset_range", "largest"),
    [((4.0, 4.0), 1.0, True), ((3.3, 3.3), 1.0, False), ((3.0, 2.5), 2.0, False), ((1.0, 1.0), 1.0, False)],
)
def test_equals_the_reference(scale: tuple[float, float], offset_range: float, *, largest: bool) -> None:
    field, size = on_gpu(lattice_field((20, 23), scale, offset_range=offset_range, largest=largest), batch=2)
    assert_equals_reference(field, size, gradient=1e-4)


def test_triton_passes_its_self_test_and_is_chosen() -> None:
    assert chosen_renderer(torch.device("cuda", torch.cuda.current_device())) == Choice("triton", {})


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_another_renderer_draws_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_asked", "auto")  # and is so again
    field, size = on_gpu(lattice_field((9, 11), (4.0, 4.0), offset_range=1.0))
    expected = image_and_gradients(field, size)
    use_renderer(name)
    for own, same in zip(image_and_gradients(field, size), expected, strict=True):
        assert own.is_cuda
        assert float((own - same).norm() / same.norm()) < 1e-4


@pytest.mark.parametrize(
    ("lr", "scale", "batch"),
    [((64, 64), 4.0, 4), ((48, 48), 48.0, 1), ((340, 510), 4.0, 1), ((256, 256), 1.0, 2)],
    ids=["crops", "x48", "2K", "x1"],
)
def test_equals_the_cpu_renderer(lr: tuple[int, int], scale: float, batch: int) -> None:
    """To 1e-4 of the norm: a pixel on the cut may fall either way."""
    field, size = on_gpu(lattice_field(lr, (scale, scale), offset_range=1.0), batch)
    on_cpu = tuple(part.cpu() for part in field)
    ours, theirs = image_and_gradients(field, size), rendered(on_cpu, size, noise(field, size))
    for name, own, true in zip(("image", "means", "cholesky", "colors"), ours, theirs, strict=True):
        assert own.is_cuda
        error = float((own.cpu() - true).norm() / true.norm())
        assert error < 1e-4, f"{name}: {error}"


def test_far_from_the_origin_is_as_exact() -> None:
    means, cholesky, colors = random_field((12, 30))
    field = tuple(part.cuda() for part in (means + torch.tensor([2960.0, 0.0]), cholesky, colors))
    assert_equals_reference(field, (12, 3000))


def test_repetition_changes_no_bit() -> None:
    field, size = on_gpu(lattice_field((64, 64), (4.0, 4.0), offset_range=1.0), batch=4)
    first = image_and_gradients(field, size)
    for _ in range(5):
        assert all(torch.equal(part, same) for part, same in zip(first, image_and_gradients(field, size), strict=True))


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_never_waits_for_the_device() -> None:
    field, size = on_gpu(lattice_field((64, 64), (3.3, 3.3), offset_range=1.0), batch=2)
    leaves, upstream = [part.requires_grad_() for part in field], noise(field, size).cuda()
    torch.autograd.grad(splat(*leaves, size), leaves, upstream)  # compiles
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        torch.autograd.grad(splat(*leaves, size), leaves, upstream)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_replays_as_a_cuda_graph() -> None:
    """Captured with one field, replayed with another of the same shape."""
    field, size = on_gpu(lattice_field((40, 30), (4.0, 4.0), offset_range=1.0), batch=2)
    other = tuple(part.flip(1) + 0.01 for part in field)
    upstream = noise(field, size).cuda()
    leaves = [part.clone().requires_grad_() for part in field]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # compiles, and lets the allocator settle
            torch.autograd.grad(splat(*leaves, size), leaves, upstream)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        image = splat(*leaves, size)
        gradients = torch.autograd.grad(image, leaves, upstream)
    for leaf, part in zip(leaves, other, strict=True):
        leaf.data.copy_(part)
    graph.replay()
    expected = rendered(other, size, upstream)
    assert all(torch.equal(part.detach(), same) for part, same in zip((image, *gradients), expected, strict=True))


def test_autocast_does_not_touch_it() -> None:
    field, size = on_gpu(lattice_field((20, 20), (4.0, 4.0), offset_range=1.0))
    expected = image_and_gradients(field, size)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        ours = image_and_gradients(field, size)
    assert all(part.dtype == torch.float32 for part in ours)
    assert all(torch.equal(part, same) for part, same in zip(ours, expected, strict=True))


def test_compiles_for_any_size_into_one_graph() -> None:
    from splatsr.splatting.gpu import splat_gpu

    plain_splat = inspect.unwrap(splat_gpu)  # shape checks switched on for a test run cannot be traced

    def squared(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
        return plain_splat(means, cholesky, colors, size).square()

    compiled = torch.compile(squared, fullgraph=True, dynamic=True)
    for lr in ((20, 20), (17, 23)):
        field, size = on_gpu(lattice_field(lr, (4.0, 4.0), offset_range=1.0))
        upstream = noise(field, size).cuda()
        ours, expected = (rendered(field, size, upstream, renderer) for renderer in (compiled, squared))
        for part, same in zip(ours, expected, strict=True):
            torch.testing.assert_close(part, same)
