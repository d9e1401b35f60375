"""Resizing by a drawn factor and a drawn rule, as pictures meet it on their way through programs and networks."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Len
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from splatsr.bounds import Fraction, Range
from splatsr.data.degradation.chain import check_range
from splatsr.data.degradation.chances import check_chances
from splatsr.errors import InputError

RULES = ("area", "bilinear", "bicubic")
"""Of torch, each as likely as the others; without an antialiasing filter, as in the published chain."""


class MixedResize:
    """Makes an image larger, smaller or neither.

    Args:
        chances: of larger, smaller and neither.
        factors: [smallest, largest] factor on either side, uniform between it and 1; from 0.05 to 4, with 1 between
            them.

    Raises:
        InputError: a value is out of its bounds, or the chances do not add up to 1.
    """

    def __init__(self, *, chances: Annotated[Sequence[Fraction], Len(3, 3)], factors: Range) -> None:
        self.chances = check_chances(chances, "resize.chances")
        self.smallest, self.largest = check_range(factors, "camera.resize.factors", 0.05, 4)
        if not self.smallest <= 1 <= self.largest:
            raise InputError(f"data.degradation.camera.resize.factors must have 1 between them; got {list(factors)}.")

    def __call__(
        self, image: Float[Tensor, "3 _ _"], size: tuple[int, int], random: np.random.Generator
    ) -> Float[Tensor, "3 _ _"]:
        """The image at a drawn multiple of `size` (height, width), rounded down, at least one pixel."""
        factor = (random.uniform(1, self.largest), random.uniform(self.smallest, 1), 1.0)[random.choice(3, p=self.chances)]
        return resized(image, (max(1, int(size[0] * factor)), max(1, int(size[1] * factor))), random)


def resized(image: Float[Tensor, "3 _ _"], size: tuple[int, int], random: np.random.Generator) -> Float[Tensor, "3 h w"]:
    """The image at `size` (height, width) by one of `RULES`; bicubic may leave [0, 1]."""
    return interpolate(image[None], size, mode=RULES[random.integers(len(RULES))])[0]
