"""Which losses take a step of their own on every batch, one after the other; nearly always it is one."""

from typing import NamedTuple

from torch import nn

from splatsr.errors import InputError
from splatsr.training.losses import InTurn as LossesInTurn
from splatsr.training.losses import LossOfCrops, NegativeLogLikelihood
from splatsr.training.supervision import InTurn, OnLikelihood, Supervision


class Turn(NamedTuple):
    """One step."""

    supervision: Supervision
    loss: nn.Module

    def check(self, pixels: int) -> None:
        """InputError where the loss does not go with the supervision, or needs more pixels than the smallest HR crop has."""
        if isinstance(self.loss, LossOfCrops):
            self.loss.check(self.supervision, pixels)
        if isinstance(self.supervision, OnLikelihood) and not isinstance(self.loss, NegativeLogLikelihood):
            raise InputError("supervision=likelihood finds log-densities, no colors; use loss=nll.")


def turns_of(supervision: Supervision, loss: nn.Module) -> list[Turn]:
    """The steps that are taken on a batch.

    Raises:
        InputError: there are several of the one and not as many of the other.
    """
    parts = supervision.parts if isinstance(supervision, InTurn) else [supervision]
    losses = list(loss.parts) if isinstance(loss, LossesInTurn) else [loss]
    if len(parts) != len(losses) or not parts:
        raise InputError(f"supervision has {len(parts)} parts and loss {len(losses)}; each step has one of both.")
    return [Turn(part, one) for part, one in zip(parts, losses, strict=True)]
