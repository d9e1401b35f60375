"""The self-test of renderers lets right ones pass and names what is wrong with others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kernel_fields import clear_of_the_cut
from splatsr.splatting.cpu import splat_cpu
from splatsr.splatting.reference import splat_exact
from splatsr.splatting.self_test import SIZE, fault, sample_field

CPU = torch.device("cpu")


def scaled_gradient(index: int) -> Callable[..., Tensor]:
    """The reference with one input's gradient 1 % too large; the image is right."""

    def renderer(*arguments: object) -> Tensor:
        *field, size = arguments
        field[index] = field[index].detach() + 1.01 * (field[index] - field[index].detach())
        return splat_exact(*field, size)

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


@pytest.mark.parametrize("renderer", [splat_exact, splat_cpu], ids=["reference", "cpu"])
def test_right_renderers_pass(renderer: Callable[..., Tensor]) -> None:
    assert fault(renderer, CPU) is None


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
    assert named in (fault(renderer, CPU) or "nothing")


def test_it_rests_on_no_rounding() -> None:
    field, _ = sample_field()
    assert bool(clear_of_the_cut(tuple(part.float() for part in field), SIZE).all())


def test_it_disturbs_nothing() -> None:
    before = torch.get_rng_state()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert fault(splat_cpu, CPU) is None
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")
    with torch.no_grad():
        assert fault(splat_cpu, CPU) is None
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)
