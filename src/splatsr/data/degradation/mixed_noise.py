"""Noise of a sensor: Gaussian, or of the light itself (Poisson); of every channel, or the same in all three."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Fraction, Range
from splatsr.data.degradation.chain import check_range

PHOTONS = 256
"""That a white pixel counts. (The published chain takes the number of levels that an image has, rounded up to a power of two:
256 for nearly all photographs, and fewer, so that the noise is stronger, for flat ones.)"""

LUMA = (0.299, 0.587, 0.114)
"""Of RGB, ITU-R BT.601."""


class MixedNoise:
    """Adds noise of one kind, and clips to [0, 1].

    Args:
        gaussian_chance: of Gaussian noise; else it is Poisson noise.
        grey_chance: of noise that is the same in all channels.
        sigma: [smallest, largest] standard deviation of Gaussian noise, grey levels.
        poisson_strength: [smallest, largest] factor on Poisson noise, whose standard deviation at white is 16 levels.

    Raises:
        InputError: a value is out of its bounds.
    """

    def __init__(self, *, gaussian_chance: Fraction, grey_chance: Fraction, sigma: Range, poisson_strength: Range) -> None:
        self.gaussian_chance, self.grey_chance = gaussian_chance, grey_chance
        self.sigma = check_range(sigma, "camera.noise.sigma", 0, 255)
        self.strength = check_range(poisson_strength, "camera.noise.poisson_strength", 0, 20)

    def __call__(self, image: Float[Tensor, "3 h w"], random: np.random.Generator) -> Float[Tensor, "3 h w"]:
        """Values in [0, 1] that are not rounded. The noise itself is drawn on the image's device, from a seed that `random`
        gives: it depends on the kind of device, and on nothing else."""
        is_gaussian, is_grey = random.random() < self.gaussian_chance, random.random() < self.grey_chance
        amount = random.uniform(*(self.sigma if is_gaussian else self.strength))
        generator = torch.Generator(image.device).manual_seed(int(random.integers(2**63)))
        if is_gaussian:
            shape = (1 if is_grey else 3, *image.shape[-2:])
            noise = torch.randn(shape, generator=generator, device=image.device) / 255
        else:
            noise = poisson_noise(image, generator, grey=is_grey)
        return (image + amount * noise).clamp(0, 1)


def poisson_noise(image: Float[Tensor, "3 h w"], generator: torch.Generator, *, grey: bool) -> Float[Tensor, "c h w"]:
    """What counting photons adds to an image in [0, 1], clamped first; variance image / PHOTONS, one channel where `grey`."""
    image = image.clamp(0, 1)
    light = (image * image.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True) if grey else image
    return torch.poisson(light * PHOTONS, generator=generator) / PHOTONS - light
