"""A conditional normalising flow (LINF, section 3.3): linear maps that all points share, affine ones that a condition makes.

What is drawn is a vector of D values; a latent of as many standard normal values stands for it. Layer i multiplies by a matrix
and adds a bias, both learned, then scales and shifts every value by what the condition says. All of it is invertible: one way
gives the density of a vector, the other the vector of a latent. It computes in float32 in any case.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.image.precision import in_float32, widened

_SHIFT = 2.0
"""Added to a scale before the sigmoid, so that a condition of 0 nearly keeps values: 0.88."""

_LEAST = 1e-4
"""Of a scale: none of them is 0, so that all can be divided by."""

_FIRST = 8**-0.5
"""Matrices begin uniform within +-this, whatever their size, as published."""


class ConditionalFlow(nn.Module):
    """The density of vectors under conditions, and vectors of latents.

    Args:
        values: D, length of the vectors.
        layers: L; a last linear map follows them.
    """

    def __init__(self, *, values: int, layers: int) -> None:
        super().__init__()
        self.values = values
        self.linears = nn.ModuleList(_linear(values) for _ in range(layers))
        self.last = _linear(values)

    @property
    def conditions(self) -> int:
        """Numbers of a condition: D scales and D shifts for every layer, one layer after the other."""
        return 2 * self.values * len(self.linears)

    def log_density(
        self, vectors: Float[Tensor, "*n values"], conditions: Float[Tensor, "*n conditions"]
    ) -> Float[Tensor, "*n"]:
        """Natural logarithm of the density of every vector."""
        return in_float32(lambda x: self._log_density(x, widened(conditions)), vectors)

    def inverse(
        self, latents: Float[Tensor, "*n values"], conditions: Float[Tensor, "*n conditions"]
    ) -> Float[Tensor, "*n values"]:
        """The vectors that latents stand for; those of 0 are the ones in the middle."""
        return in_float32(lambda z: self._inverse(z, widened(conditions)), latents)

    def _log_density(self, x: Tensor, conditions: Tensor) -> Float[Tensor, "*n"]:
        z, found = x, x.new_zeros(())
        for layer, (scale, shift) in zip(self.linears, self._affine(conditions), strict=True):
            z = layer(z) * scale + shift
            found = found + _log_determinant(layer) + scale.log().sum(-1)
        z = self.last(z)
        normal = -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
        return found + _log_determinant(self.last) + normal

    def _inverse(self, z: Tensor, conditions: Tensor) -> Float[Tensor, "*n values"]:
        x = _solve(self.last, z)
        affine = list(self._affine(conditions))
        for layer, (scale, shift) in zip(reversed(self.linears), reversed(affine), strict=True):
            x = _solve(layer, (x - shift) / scale)
        return x

    def _affine(self, conditions: Float[Tensor, "*n conditions"]) -> Iterator[tuple[Tensor, Tensor]]:
        """(scales, shifts) of every layer."""
        for scale, shift in (one.unbind(-2) for one in conditions.unflatten(-1, (-1, 2, self.values)).unbind(-3)):
            yield torch.sigmoid(scale + _SHIFT) + _LEAST, shift


def _linear(values: int) -> nn.Linear:
    layer = nn.Linear(values, values)
    nn.init.uniform_(layer.weight, -_FIRST, _FIRST)
    nn.init.zeros_(layer.bias)
    return layer


def _log_determinant(layer: nn.Module) -> Float[Tensor, ""]:
    assert isinstance(layer, nn.Linear)
    return torch.linalg.slogdet(layer.weight).logabsdet


def _solve(layer: nn.Module, y: Float[Tensor, "*n values"]) -> Float[Tensor, "*n values"]:
    """The x of which the layer makes y. All points share the matrix, whose inverse is made in float64."""
    assert isinstance(layer, nn.Linear)
    return linear(y - layer.bias, torch.linalg.inv(layer.weight.double()).to(y.dtype))
