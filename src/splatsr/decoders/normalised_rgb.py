"""RGB in [-1, 1], what the networks of the LIIF family see and answer; the suite itself speaks RGB in [0, 1]."""

from jaxtyping import Float
from torch import Tensor


def to_signed(rgb: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """(rgb - 0.5) / 0.5, as the family normalises images."""
    return (rgb - 0.5) / 0.5


def from_signed(signed: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The inverse; unclamped."""
    return signed * 0.5 + 0.5
