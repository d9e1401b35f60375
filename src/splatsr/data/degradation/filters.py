"""Filters whose kernel is drawn anew for every image: blur by kernels of several kinds, and sinc filters."""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Le, Len
from jaxtyping import Float
from kornia.filters import filter2d
from torch import Tensor

from splatsr.bounds import Fraction, Ordered, Range
from splatsr.data.degradation.blur_kernels import gaussian_kernel, sinc_kernel
from splatsr.data.degradation.chain import check_range
from splatsr.data.degradation.chances import check_chances
from splatsr.errors import InputError

Sides = Annotated[Sequence[Annotated[int, Ge(1), Le(101)]], Len(2, 2), Ordered()]
"""[smallest, largest] side of kernels in pixels, both odd."""

SHAPES = tuple((kind, isotropic) for kind in ("gaussian", "generalised", "plateau") for isotropic in (True, False))
"""(kind, whether it is isotropic) of blur kernels, in the order in which `shapes` has their chances."""


class MixedBlur:
    """Blur by a kernel of a drawn shape, or by a sinc filter; the border is mirrored.

    Args:
        chance: of being applied at all.
        sinc_chance: of a sinc filter in place of a blur kernel.
        sinc_cutoff: [smallest, largest], radians per pixel.
        shapes: chances of the shapes isotropic Gaussian, anisotropic Gaussian, generalised Gaussian (isotropic, anisotropic)
            and plateau (isotropic, anisotropic).
        side: [smallest, largest] side of the kernels, odd numbers of pixels.
        sigma: [smallest, largest] standard deviation along either axis, pixels.
        generalised_power: [smallest, largest] power of generalised Gaussians, below and above 1 equally often.
        plateau_power: the same of plateaus.

    Raises:
        InputError: a value is out of its bounds, or the chances do not add up to 1.
    """

    def __init__(
        self,
        *,
        chance: Fraction,
        sinc_chance: Fraction,
        sinc_cutoff: Range,
        shapes: Annotated[Sequence[Fraction], Len(6, 6)],
        side: Sides,
        sigma: Range,
        generalised_power: Range,
        plateau_power: Range,
    ) -> None:
        self.chance, self.sinc_chance = chance, sinc_chance
        self.shapes = check_chances(shapes, "blur.shapes")
        self.side, self.cutoff = check_sides(side, "blur"), check_range(sinc_cutoff, "camera.blur.sinc_cutoff", 0.1, 4)
        self.sigma = check_range(sigma, "camera.blur.sigma", 0.01, 20)
        self.powers = {
            "gaussian": (1.0, 1.0),
            "generalised": check_range(generalised_power, "camera.blur.generalised_power", 0.1, 20),
            "plateau": check_range(plateau_power, "camera.blur.plateau_power", 0.1, 20),
        }

    def __call__(self, image: Float[Tensor, "3 h w"], random: np.random.Generator) -> Float[Tensor, "3 h w"]:
        """The image filtered, or as it is."""
        if random.random() >= self.chance:
            return image
        side = draw_side(self.side, image, random)
        if random.random() < self.sinc_chance:
            return filtered(image, sinc_kernel(side, random.uniform(*self.cutoff)))
        return filtered(image, self.kernel(side, random))

    def kernel(self, side: int, random: np.random.Generator) -> Float[np.ndarray, "side side"]:
        """A blur kernel of that side."""
        kind, isotropic = SHAPES[random.choice(len(SHAPES), p=self.shapes)]
        first, second = random.uniform(*self.sigma, 2)
        angle, power = random.uniform(-math.pi, math.pi), draw_power(self.powers[kind], random)
        return gaussian_kernel(side, (first, first if isotropic else second), angle, power, plateau=kind == "plateau")


class SincFilter:
    """The low pass that leaves ringing, as sharpened and compressed pictures have it.

    Args:
        chance: of being applied at all.
        side: [smallest, largest] side of the kernel, odd numbers of pixels.
        cutoff: [smallest, largest], radians per pixel; pi leaves all that a pixel grid holds along x and y.

    Raises:
        InputError: a value is out of its bounds.
    """

    def __init__(self, *, chance: Fraction, side: Sides, cutoff: Range) -> None:
        self.chance = chance
        self.side, self.cutoff = check_sides(side, "sinc"), check_range(cutoff, "camera.sinc.cutoff", 0.1, 4)

    def __call__(self, image: Float[Tensor, "3 h w"], random: np.random.Generator) -> Float[Tensor, "3 h w"]:
        """The image filtered, or as it is; values may leave [0, 1] at edges."""
        if random.random() >= self.chance:
            return image
        return filtered(image, sinc_kernel(draw_side(self.side, image, random), random.uniform(*self.cutoff)))


def filtered(image: Float[Tensor, "3 h w"], kernel: Float[np.ndarray, "side side"]) -> Float[Tensor, "3 h w"]:
    """The image under the kernel, which is smaller than twice the image; the border is mirrored."""
    weights = torch.from_numpy(np.float32(kernel)).to(image.device)
    return filter2d(image[None], weights[None], border_type="reflect")[0]


def check_sides(sides: Sequence[int], name: str) -> tuple[int, int]:
    """The pair [smallest, largest]; InputError unless both are odd and from 1 to 101."""
    low, high = (int(side) for side in check_range(sides, f"camera.{name}.side", 1, 101))
    if low % 2 == 0 or high % 2 == 0:
        raise InputError(f"data.degradation.camera.{name}.side must be two odd numbers of pixels; got {list(sides)}.")
    return low, high


def draw_side(sides: tuple[int, int], image: Float[Tensor, "3 h w"], random: np.random.Generator) -> int:
    """An odd side in pixels, at most twice the image's shorter side: no more of it can be mirrored."""
    radius = int(random.integers(sides[0] // 2, sides[1] // 2, endpoint=True))
    return 2 * min(radius, min(image.shape[-2:]) - 1) + 1


def draw_power(powers: tuple[float, float], random: np.random.Generator) -> float:
    """Below 1 and above 1 equally often where the range holds both, and uniform in either."""
    low, high = powers
    if not low < 1 < high:
        return float(random.uniform(low, high))
    return float(random.uniform(low, 1) if random.random() < 0.5 else random.uniform(1, high))
