"""LTE's local texture: amplitudes and frequencies of waves on the LR grid, and what they make of the ways from four LR pixels.

What LTE and LINF share. A wave at a point is its frequency times the way to it from a pixel's centre, and a phase; a feature is
the amplitude times the wave's cosine or sine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.local_ensemble import four_pixels, half_pixel
from splatsr.geometry import offset_from


@dataclass(frozen=True, eq=False)
class LocalTexture:
    """A batch of LR images' waves.

    Attributes:
        amplitudes: of all cosines, then of all sines.
        frequencies: vertical and horizontal ones of every wave, in whatever order `waves` takes them.
        waves: <frequency, offset> of every wave: `neighbouring_halves` or `separate_halves`.
    """

    amplitudes: FeatureGrid
    frequencies: FeatureGrid
    waves: Callable[[Tensor, Tensor], Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR grid."""
        return self.amplitudes.size

    def around(
        self, coordinates: Float[Tensor, "b q yx=2"], phases: Float[Tensor, "b waves"]
    ) -> tuple[Float[Tensor, "b corners=4 q twice"], Float[Tensor, "b corners=4 q yx=2"]]:
        """(features, ways in half LR pixels) of the four LR pixels around every point; a phase for each wave of an image."""
        pixels = four_pixels(coordinates, self.size, half_pixel(self.size))
        offsets = offset_from(pixels, coordinates[:, None], self.size)
        waves = self.waves(self.frequencies.at(pixels), offsets) + phases[:, None, None]
        return self.amplitudes.at(pixels) * basis(waves), offsets


def neighbouring_halves(frequencies: Float[Tensor, "*n pairs"], offsets: Float[Tensor, "*n yx=2"]) -> Float[Tensor, "*n waves"]:
    """<frequency, offset>; a wave's vertical and horizontal frequency stand next to each other (LTE)."""
    return (frequencies.unflatten(-1, (-1, 2)) * offsets[..., None, :]).sum(-1)


def separate_halves(frequencies: Float[Tensor, "*n pairs"], offsets: Float[Tensor, "*n yx=2"]) -> Float[Tensor, "*n waves"]:
    """<frequency, offset>; all vertical frequencies come first, then all horizontal ones (LINF)."""
    return (frequencies.unflatten(-1, (2, -1)) * offsets[..., None]).sum(-2)


def basis(waves: Float[Tensor, "*n waves"]) -> Float[Tensor, "*n twice"]:
    """cos(pi x) of all waves, then sin(pi x) of all."""
    angles = math.pi * waves
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
