"""Kernels that blur: Gaussians and their relatives, and the sinc filter of an ideal low pass.

Positions are in pixels from the kernel's centre; kernels are square, have an odd side and sum to 1.
"""

import math

import numpy as np
import torch
from jaxtyping import Float


def gaussian_kernel(
    side: int, sigma: tuple[float, float], angle: float, power: float, *, plateau: bool
) -> Float[np.ndarray, "side side"]:
    """exp(-q^power / 2), or 1 / (1 + q^power) with a plateau; q is the squared distance in standard deviations.

    Power 1 is the Gaussian; greater powers have steeper flanks. (Wang et al. 2021, "Real-ESRGAN",
    section 3.1.)

    Args:
        side: pixels, odd.
        sigma: standard deviations along the kernel's own axes, pixels, above 0.
        angle: of the first axis, radians from x towards y.
        power: above 0.
        plateau: which of the two shapes.
    """
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    along, across = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    q = ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2) ** power
    kernel = 1 / (1 + q) if plateau else np.exp(-0.5 * q)
    return kernel / kernel.sum()


def sinc_kernel(side: int, cutoff: float) -> Float[np.ndarray, "side side"]:
    """The circular low pass cutoff * J1(cutoff * r) / (2 pi r), cut to a square: it rings, as sharpening and JPEG do.

    (Wang et al. 2021, "Real-ESRGAN", section 3.3.)

    Args:
        side: pixels, odd.
        cutoff: radians per pixel, above 0; at pi nothing is lost along x and y.
    """
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    r = np.hypot(x, y)
    r[r == 0] = 1e-6  # where J1(cutoff r) / r is cutoff / 2
    kernel = cutoff * torch.special.bessel_j1(torch.from_numpy(cutoff * r)).numpy() / (2 * math.pi * r)
    return kernel / kernel.sum()
