"""What every model returns: an image that has no resolution of its own."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale


@runtime_checkable
class ContinuousImage(Protocol):
    """Anything that renders at any size. `size` is the (h, w) of the low-resolution image it came from, in pixels."""

    size: tuple[int, int]

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped; exactly one of size (H, W) and scale (a number, or vertical and horizontal) is given."""
        ...
