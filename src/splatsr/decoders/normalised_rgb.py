"""RGB in [-1, 1], which the networks of the LIIF family take and return; everywhere else in the suite RGB is in [0, 1]."""

from jaxtyping import Float
from torch import Tensor


def to_normalised(rgb: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """(rgb - 0.5) / 0.5, as the family normalises images."""
    return (rgb - 0.5) / 0.5


def from_normalised(rgb: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The inverse; unclamped."""
    return rgb * 0.5 + 0.5
