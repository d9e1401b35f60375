import pytest
import torch
from torch import Tensor

from splatsr.encoders import selective_scan as room
from splatsr.encoders.selective_scan import Chosen, selective_scan

STEPS, IMAGES, SEQUENCES, CHANNELS, STATES = 7, 2, 3, 4, 5


def inputs() -> list[Tensor]:
    """u, delta, a, b, c, d"""
    shape = (STEPS, IMAGES, SEQUENCES)
    u, delta = torch.randn(2, *shape, CHANNELS, dtype=torch.float64)
    b, c = torch.randn(2, *shape, STATES, dtype=torch.float64)
    a = -torch.rand(SEQUENCES, CHANNELS, STATES, dtype=torch.float64) * 8
    d = torch.randn(SEQUENCES, CHANNELS, dtype=torch.float64)
    return [one.requires_grad_() for one in (u, delta.abs(), a, b, c, d)]


def by_definition(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Step by step."""
    state, read = torch.zeros(IMAGES, SEQUENCES, CHANNELS, STATES, dtype=u.dtype), []
    for t in range(STEPS):
        state = (delta[t, ..., None] * a).exp() * state + (delta[t] * u[t])[..., None] * b[t, :, :, None]
        read.append((state * c[t, :, :, None]).sum(-1) + d * u[t])
    return torch.stack(read)


def scanned(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """The same by `selective_scan`, whose steps choose what stands here already."""
    done = 0

    def choose(some: Tensor) -> Chosen:
        nonlocal done
        first, done = done, done + len(some)
        return Chosen(delta[first:done], b[first:done], c[first:done])

    return selective_scan(u, choose, a, d)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_values_and_gradients_are_those_of_the_definition(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.TOGETHER, "cpu", steps * IMAGES * SEQUENCES * CHANNELS * STATES)
    arguments = inputs()
    ours, theirs = scanned(*arguments), by_definition(*arguments)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn_like(ours)
    for one, other in zip(*(torch.autograd.grad(y, arguments, upstream) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other)


@torch.inference_mode()
def test_fast_decay_and_long_sequences_stay_finite() -> None:
    u = torch.randn(3000, 1, 1, 2)
    a, rate = torch.tensor([[[-1e-3, -200.0], [-5.0, -90.0]]]), torch.full_like(u, 2.0)
    ones = torch.ones(3000, 1, 1, 2)
    y = selective_scan(u, lambda some: Chosen(rate[: len(some)], ones[: len(some)], ones[: len(some)]), a, torch.zeros(1, 2))
    assert y.isfinite().all()
    state = torch.zeros(2, 2, dtype=torch.float64)
    for step in u[:, 0, 0].double():
        state = (2 * a[0].double()).exp() * state + 2 * step[:, None]
    torch.testing.assert_close(y[-1, 0, 0].double(), state.sum(-1), atol=1e-3, rtol=1e-4)
