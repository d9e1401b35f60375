"""What turns an HR crop into its LR image: steps, one after the other, in the order in which the configuration lists them.

`data/degradation=[blur,pil,noise,eight_bit]` blurs the HR crop, downscales it, adds noise to the LR image and rounds it. What a
step draws comes from the generator that it is given, and that one from (seed, epoch, crop): see data.crops.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.resize.levels import Pixels
from splatsr.resize.rules import RULES


@runtime_checkable
class Step(Protocol):
    """One step; exactly one of a chain `downscales`."""

    downscales: ClassVar[bool]

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """`image` degraded; the step that downscales makes it `size` (height, width), the others keep its size."""


class Degradation:
    """Steps in their order.

    Args:
        steps: by the names that the configuration gives them.

    Raises:
        InputError: none of the steps downscales, or more than one does.
    """

    def __init__(self, steps: Mapping[str, Step]) -> None:
        downscaling = [name for name, step in steps.items() if step.downscales]
        if len(downscaling) != 1:
            raise InputError(
                f"data/degradation=[{','.join(steps)}] has {len(downscaling)} steps that make the image smaller; expected "
                f"exactly one of {', '.join(RULES)} among them, such as data/degradation=[blur,pil,noise]."
            )
        self.steps = tuple(steps.values())

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """The LR image of `size` (height, width)."""
        for step in self.steps:
            image = step(image, size, random)
        return image


def check_range(values: Sequence[Number], name: str, low: Number, high: Number) -> tuple[float, float]:
    """The pair [smallest, largest]; InputError unless low <= smallest <= largest <= high."""
    if len(values) != 2 or not low <= values[0] <= values[1] <= high:
        raise InputError(
            f"data.degradation.{name} must be [smallest, largest] between {low} and {high}, equal for a fixed value; "
            f"got {list(values)}."
        )
    return float(values[0]), float(values[1])
