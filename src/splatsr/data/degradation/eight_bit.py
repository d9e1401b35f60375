"""Rounding, as a file does it."""

import numpy as np

from splatsr.resize.levels import Pixels, eight_bit


class EightBit:
    """Clips to [0, 1] and rounds to 255ths."""

    downscales = False

    def __init__(self) -> None:
        """Nothing to set."""

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """8-bit; `size` is not looked at."""
        return eight_bit(image)
