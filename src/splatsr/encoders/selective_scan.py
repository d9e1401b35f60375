"""The selective scan of state-space models (Gu and Dao, "Mamba", 2023, section 3.2), exact and in bounded memory.

A channel u of a sequence drives some states s, which decay and are fed by rates that each step of the sequence chooses:

    s_t = exp(delta_t A) s_(t-1) + delta_t B_t u_t,    y_t = <C_t, s_t> + D u_t

Steps are done some at a time: what does not depend on the step before is computed for all of them at once, the recurrence
itself is one multiply-add a step, and no more states are there than those. The backward pass computes them again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

TOGETHER = {"cpu": 2**20, "cuda": 2**26, "mps": 2**26}
"""States that are there at a time, over all steps, images, sequences and channels."""


class Chosen(NamedTuple):
    """What some steps choose: the rate, how a channel drives its states, and how these are read."""

    delta: Float[Tensor, "steps b k d"]
    b: Float[Tensor, "steps b k n"]
    c: Float[Tensor, "steps b k n"]


def selective_scan(
    u: Float[Tensor, "steps b k d"],
    choose: Callable[[Tensor], Chosen],
    a: Float[Tensor, "k d n"],
    d: Float[Tensor, "k d"],
) -> Float[Tensor, "steps b k d"]:
    """y of k sequences for every image, with d channels of n states each; `choose` is called for some steps of u at a time.

    `a` is negative and delta positive: states decay.
    """
    state = u.new_zeros(*u.shape[1:], a.shape[-1])
    parts = []
    for some in u.split(max(TOGETHER[u.device.type] // state.numel(), 1)):
        delta, b, c = choose(some)
        read, state = _Steps.apply(delta, delta * some, a, b, c, state)
        parts.append(read + d * some)
    return torch.cat(parts)


class _Steps(torch.autograd.Function):
    """Some steps from the state `before` them: <C, s> of each, and the state behind the last.

    Of all that has the size of the states nothing is kept for the backward pass.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, delta: Tensor, driven: Tensor, a: Tensor, b: Tensor, c: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(delta, driven, a, b, c, before)
        states, _ = _states(delta, driven, a, b, before)
        return (states @ c[..., None])[..., 0], states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_read: Tensor, of_last: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        delta, driven, a, b, c, before = ctx.saved_tensors
        states, decay = _states(delta, driven, a, b, before)
        of_states = of_read[..., None] * c[..., None, :]
        of_states[-1] += of_last
        steps = of_states.unbind()
        for step in range(len(steps) - 1, 0, -1):  # a state acts on what is read of it, and on the next state
            steps[step - 1].addcmul_(decay[step], steps[step])
        of_before = decay[0] * of_states[0]
        of_c = (of_read[..., None, :] @ states)[..., 0, :]
        of_b = (driven[..., None, :] @ of_states)[..., 0, :]
        of_driven = (of_states @ b[..., None])[..., 0]
        of_exponent = decay.mul_(of_states)  # times the state before: the derivative by delta A
        of_exponent[0] *= before
        of_exponent[1:] *= states[:-1]
        of_delta = (of_exponent * a).sum(-1)
        of_a = of_exponent.mul_(delta[..., None]).sum((0, 1))
        return of_delta, of_driven, of_a, of_b, of_c, of_before


def _states(delta: Tensor, driven: Tensor, a: Tensor, b: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """(s_t, exp(delta_t A)) of all steps (steps, b, k, d, n)."""
    decay = (delta[..., None] * a).exp_()
    states, state = driven[..., None] * b[..., None, :], before
    for factor, out in zip(decay.unbind(), states.unbind(), strict=True):
        state = out.addcmul_(factor, state)
    return states, decay
