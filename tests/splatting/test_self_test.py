"""The self-test of renderers lets right ones pass and names what is wrong with others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kernel_fields import clear_of_the_cut
from splatsr.splatting.cpu import splat_cpu
from splatsr.splatting.reference import kernel_weights, splat_exact, splat_windowed_exact
from splatsr.splatting.self_test import REACH, SIZE, fault, sample_field

CPU = torch.device("cpu")


Reach = tuple[float, float]


def exact(*field: object, reach: Reach | None = None) -> Tensor:
    """The reference, as renderers with windows are called."""
    return splat_exact(*field) if reach is None else splat_windowed_exact(*field, reach)


def scaled_gradient(index: int, *, only_windowed: bool = False) -> Callable[..., Tensor]:
    """The reference with one input's gradient 1 % too large; the image is right."""

    def renderer(*arguments: object, reach: Reach | None = None) -> Tensor:
        *field, size = arguments
        if reach is not None or not only_windowed:
            field[index] = field[index].detach() + 1.01 * (field[index] - field[index].detach())
        return exact(*field, size, reach=reach)

    return renderer


def loses_a_kernel(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
    return splat_exact(means[:, :-1], cholesky[:, :-1], colors[:, :-1], size)


def composites(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
    return splat_exact(means, cholesky, colors, size).clamp(max=1)


def shifted(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
    return splat_exact(means + 0.01, cholesky, colors, size)


def not_numbers(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
    return splat_exact(means, cholesky, colors, size) * float("nan")


def raises(*_: object) -> Tensor:
    raise RuntimeError("no kernel image is\navailable")


def has_no_window(*field: object, reach: Reach | None = None) -> Tensor:
    return splat_exact(*field)


def swaps_its_sides(*field: object, reach: Reach | None = None) -> Tensor:
    return exact(*field, reach=None if reach is None else reach[::-1])


def ends_a_pixel_early(*field: object, reach: Reach | None = None) -> Tensor:
    return exact(*field, reach=None if reach is None else (reach[0], reach[1] - 1))


def cuts_tails_too(
    means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int], reach: Reach | None = None
) -> Tensor:
    """Within the window only what is above 1/255 of a kernel's peak."""
    weights = kernel_weights(means, cholesky, size, reach)
    return torch.einsum("bnhw,bnc->bchw", torch.where(weights >= 1 / 255, weights, 0.0), colors)


def raises_with_a_window(*field: object, reach: Reach | None = None) -> Tensor:
    return splat_exact(*field) if reach is None else raises()


@pytest.mark.parametrize("renderer", [exact, splat_cpu], ids=["reference", "cpu"])
def test_right_renderers_pass(renderer: Callable[..., Tensor]) -> None:
    assert fault(renderer, CPU, windows=True) is None


def test_a_renderer_without_windows_is_not_asked_for_them() -> None:
    assert fault(splat_exact, CPU, windows=False) is None
    assert "reach" in (fault(splat_exact, CPU, windows=True) or "nothing")


@pytest.mark.parametrize(
    ("renderer", "named"),
    [
        (loses_a_kernel, "the image"), (composites, "the image"), (shifted, "the image"), (not_numbers, "the image"),
        (scaled_gradient(0), "gradient of means"), (scaled_gradient(1), "gradient of cholesky"),
        (scaled_gradient(2), "gradient of colors"), (lambda *field: splat_exact(*field).flatten(2), "shape"),
        (lambda *field: splat_exact(*field).detach(), "grad"), (raises, "RuntimeError: no kernel image is available"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(renderer: Callable[..., Tensor], named: str) -> None:
    assert named in (fault(renderer, CPU, windows=False) or "nothing")


@pytest.mark.parametrize(
    ("renderer", "named"),
    [
        (has_no_window, "the image"), (swaps_its_sides, "the image"), (ends_a_pixel_early, "the image"),
        (cuts_tails_too, "the image"), (raises_with_a_window, "RuntimeError: no kernel image is available"),
        (scaled_gradient(0, only_windowed=True), "the gradient of means"),
        (scaled_gradient(1, only_windowed=True), "the gradient of cholesky"),
        (scaled_gradient(2, only_windowed=True), "the gradient of colors"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_window_only_is_named(renderer: Callable[..., Tensor], named: str) -> None:
    assert fault(renderer, CPU, windows=False) is None
    assert f"with a window: {named}" in (fault(renderer, CPU, windows=True) or "nothing")


def test_it_rests_on_no_rounding() -> None:
    field, _ = sample_field()
    assert bool(clear_of_the_cut(tuple(part.float() for part in field), SIZE).all())
    for axis, (length, reach) in enumerate(zip(SIZE[::-1], REACH[::-1], strict=True)):
        centres = torch.arange(length, dtype=torch.float64) + 0.5
        distances = (centres - field[0][..., axis, None]).abs()
        assert float((distances - reach).abs().min()) > 1e-3
        assert bool((distances < reach).any()) and bool((distances > reach).any())


def test_it_disturbs_nothing() -> None:
    before = torch.get_rng_state()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert fault(splat_cpu, CPU, windows=True) is None
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")
    with torch.no_grad():
        assert fault(splat_cpu, CPU, windows=True) is None
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)
