"""Learning-rate schedules, counted in optimizer steps so that they are smooth whatever an epoch is.

`steps` are those of the whole training, `steps_per_epoch` those of an epoch; both count updates of the weights.

A training that is shorter than a schedule's first change keeps its first rate.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from annotated_types import Gt, Le
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from splatsr.bounds import Count, Fraction, Natural, Ordered
from splatsr.geometry import Number


def cosine(optimizer: Optimizer, *, steps: int, steps_per_epoch: int, warmup_steps: Natural) -> LambdaLR:
    """Linear from 0 over `warmup_steps`, then half a cosine to zero at the end of the training.

    Loshchilov and Hutter, SGDR (ICLR 2017), one period without restarts.
    """

    def factor(step: int) -> float:
        if step < warmup_steps:
            return _warm_up(step, warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))))

    return LambdaLR(optimizer, factor)


def held_cosine(
    optimizer: Optimizer,
    *,
    steps: int,
    steps_per_epoch: int,
    held_steps: Natural,
    least: Fraction,
    warmup_steps: Natural,
) -> LambdaLR:
    """The first rate for `held_steps`, then half a cosine to `least` of it at the end of the training; warm-up as in `step`.

    DRSformer: 3e-4 for 92,000 steps, then to 1e-6 in 208,000.
    """

    def factor(step: int) -> float:
        share = min(max(step - held_steps, 0) / max(1, steps - held_steps), 1.0)
        return _warm_up(step, warmup_steps) * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * share)))

    return LambdaLR(optimizer, factor)


def step(
    optimizer: Optimizer,
    *,
    steps: int,
    steps_per_epoch: int,
    every_epochs: Count,
    factor: Annotated[Number, Gt(0), Le(1)],
    warmup_steps: Natural,
) -> LambdaLR:
    """Times `factor` after every `every_epochs` epochs (ContinuousSR: 0.5 every 100 of 1000 epochs).

    The first `warmup_steps` steps rise linearly from 0 to that; epochs are counted from the first of them.
    """
    return LambdaLR(
        optimizer, lambda index: _warm_up(index, warmup_steps) * factor ** (index // steps_per_epoch // every_epochs)
    )


def milestones(
    optimizer: Optimizer,
    *,
    steps: int,
    steps_per_epoch: int,
    at_epochs: Annotated[Sequence[Count], Ordered(strictly=True)],
    factor: Annotated[Number, Gt(0), Le(1)],
    warmup_steps: Natural,
) -> LambdaLR:
    """Times `factor` after each of these epochs (ITSRN: 0.5 after 100, 200, 400, 600 and 800 of 1000); warm-up as in `step`."""

    def rate(step: int) -> float:
        passed = sum(step // steps_per_epoch >= epoch for epoch in at_epochs)
        return _warm_up(step, warmup_steps) * factor**passed

    return LambdaLR(optimizer, rate)


def _warm_up(step: int, warmup_steps: int) -> float:
    """The share of the learning rate that a step gets: below 1 in the first `warmup_steps` steps."""
    return min(1.0, (step + 1) / (warmup_steps + 1))
