"""Gaussian noise, as of a sensor."""

import numpy as np

from splatsr.bounds import Range
from splatsr.data.degradation.chain import check_range
from splatsr.resize.levels import Pixels, unrounded


class GaussianNoise:
    """Adds independent noise to every pixel and channel, and clips to [0, 1].

    Args:
        sigma: [smallest, largest] standard deviation, 0 to 255 grey levels; uniform, one for each image.
    """

    downscales = False

    def __init__(self, *, sigma: Range) -> None:
        self.sigma = check_range(sigma, "noise.sigma", 0, 255)

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """Values in [0, 1] that are not rounded; `size` is not looked at."""
        sigma = random.uniform(*self.sigma) / 255
        noise = random.standard_normal(image.shape, np.float32)
        return (unrounded(image) + np.float32(sigma) * noise).clip(0, 1)
