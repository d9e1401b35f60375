"""The step that makes the LR image out of the HR crop, by one of the rules that protocols know too."""

from typing import ClassVar

import numpy as np

from splatsr.errors import InputError
from splatsr.resize.levels import Pixels
from splatsr.resize.rules import RULES


class Downscale:
    """Bicubic resizing; one of conf/data/degradation/ for each rule.

    Args:
        rule: one of `resize.rules`: pil, torchvision, matlab, matlab_uint8 or matlab_float.

    Raises:
        InputError: there is no such rule.
    """

    downscales: ClassVar[bool] = True

    def __init__(self, *, rule: str) -> None:
        if rule not in RULES:
            raise InputError(f"images can be downscaled by {', '.join(RULES)}; got {rule!r}.")
        self.rule = rule

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """The image at `size` (height, width); 8-bit, but for matlab_float."""
        return RULES[self.rule](image, size)
