"""Learning-rate schedules, counted in optimizer steps so that they are smooth whatever an epoch is."""

import math
from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def cosine(optimizer: Optimizer, *, epochs: int, steps_per_epoch: int, warmup_steps: int) -> LambdaLR:
    """Linear from 0 over `warmup_steps`, then half a cosine that reaches zero at the end of the last epoch."""
    steps = epochs * steps_per_epoch

    def factor(number: int) -> float:
        if number < warmup_steps:
            return _warm(number, warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (number - warmup_steps) / max(1, steps - warmup_steps))))

    return LambdaLR(optimizer, factor)


def step(
    optimizer: Optimizer, *, epochs: int, steps_per_epoch: int, every_epochs: int, factor: float, warmup_steps: int
) -> LambdaLR:
    """Times `factor` after every `every_epochs` epochs (ContinuousSR: 0.5 every 100 of 1000 epochs).

    The first `warmup_steps` steps rise linearly from 0 to that; epochs are counted from the first of them.
    """
    if every_epochs > epochs:
        raise ValueError(f"schedule.every_epochs={every_epochs} is longer than the training of {epochs} epochs.")
    return LambdaLR(
        optimizer, lambda number: _warm(number, warmup_steps) * factor ** (number // steps_per_epoch // every_epochs)
    )


def milestones(
    optimizer: Optimizer, *, epochs: int, steps_per_epoch: int, at_epochs: Sequence[int], factor: float, warmup_steps: int
) -> LambdaLR:
    """Times `factor` after each of these epochs (ITSRN: 0.5 after 100, 200, 400, 600 and 800 of 1000); warm-up as in `step`."""
    if max(at_epochs) > epochs:
        raise ValueError(f"schedule.at_epochs={list(at_epochs)} goes beyond the training of {epochs} epochs.")

    def rate(number: int) -> float:
        passed = sum(number // steps_per_epoch >= epoch for epoch in at_epochs)
        return _warm(number, warmup_steps) * factor**passed

    return LambdaLR(optimizer, rate)


def _warm(number: int, warmup_steps: int) -> float:
    """The share of the learning rate that step `number` gets: below 1 in the first `warmup_steps` steps."""
    return min(1.0, (number + 1) / (warmup_steps + 1))
