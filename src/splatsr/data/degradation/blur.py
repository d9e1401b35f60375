"""Gaussian blur, as of a lens: before the downscaling step in HR pixels, after it in LR pixels."""

import numpy as np
import torch
from kornia.filters import gaussian_blur2d

from splatsr.bounds import Range
from splatsr.data.degradation.chain import check_range
from splatsr.resize.levels import Pixels, unrounded


class GaussianBlur:
    """An isotropic Gaussian, cut at 4 sigma; the border is mirrored.

    Args:
        sigma: [smallest, largest] standard deviation, 0 to 20 pixels of the image it is given; uniform, one for each image.
    """

    downscales = False

    def __init__(self, *, sigma: Range) -> None:
        self.sigma = check_range(sigma, "blur.sigma", 0, 20)

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """Values that are not rounded; `size` is not looked at."""
        sigma = random.uniform(*self.sigma)
        radius = min(int(np.ceil(4 * sigma)), min(image.shape[:2]) - 1)  # no more can be mirrored
        values = torch.from_numpy(np.ascontiguousarray(unrounded(image).transpose(2, 0, 1)))[None]
        if radius == 0 or sigma == 0:
            return unrounded(image)
        blurred = gaussian_blur2d(values, 2 * radius + 1, (sigma, sigma), border_type="reflect")
        return blurred[0].permute(1, 2, 0).contiguous().numpy()
