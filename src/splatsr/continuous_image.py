"""What every model returns: an image that has no resolution of its own."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale, Strip


@runtime_checkable
class ContinuousImage(Protocol):
    """Anything that renders at any size. `size` is the (h, w) of the low-resolution image it came from, in pixels."""

    size: tuple[int, int]

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped; exactly one of size (H, W) and scale (a number, or vertical and horizontal) is given."""
        ...


@runtime_checkable
class StripImage(ContinuousImage, Protocol):
    """A continuous image that renders its output in pieces, so that no output is too large for memory.

    One that a model with `tiling` returns also has `crop(rows=, columns=)` and `join(tiles)`, as `GaussianField` has.
    """

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        ...
