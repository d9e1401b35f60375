"""The steps that make the LR image: PIL's bicubic, torchvision's, or MATLAB's in 8 bit or in floating point."""

import numpy as np

from splatsr.resize.matlab import Border, resize_matlab, resize_matlab_float
from splatsr.resize.pil import Pixels, eight_bit, resize_bicubic, resize_torchvision, unrounded


class PilBicubic:
    """8-bit bicubic by PIL (splatsr.resize.pil); what earlier steps left unrounded is rounded first."""

    shrinks = True

    def __init__(self) -> None:
        """Nothing to set."""

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """8-bit."""
        return resize_bicubic(eight_bit(image), size)


class TorchvisionBicubic:
    """8-bit bicubic by torchvision, antialiased (splatsr.resize.pil); what earlier steps left unrounded is rounded first."""

    shrinks = True

    def __init__(self) -> None:
        """Nothing to set."""

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """8-bit."""
        return resize_torchvision(eight_bit(image), size)


class MatlabBicubic:
    """MATLAB's bicubic (splatsr.resize.matlab).

    Args:
        border: replicate (old releases) or symmetric (newer ones, and BasicSR).
        rounded: 8 bit, also between the passes; otherwise floating point throughout, unrounded at the end.
    """

    shrinks = True

    def __init__(self, *, border: Border, rounded: bool) -> None:
        self.border, self.rounded = border, rounded

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """8-bit if `rounded`, otherwise unrounded (and a little outside [0, 1] at strong edges)."""
        if self.rounded:
            return resize_matlab(eight_bit(image), size, border=self.border)
        return resize_matlab_float(unrounded(image), size, border=self.border)
