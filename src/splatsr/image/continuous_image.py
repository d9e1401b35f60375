"""What every model returns: an image that has no resolution of its own.

`ContinuousImage` renders at any size. `QueryableImage` can also be decoded at single points, which is what a training on
sampled pixels needs. A method whose result at a point depends on the whole image of queries (global attention over them) is
queryable too, but renders in one piece; where every point can be decoded alone, `decoders.implicit_image` renders in chunks.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int64
from torch import Tensor

from splatsr.geometry import Scale, Strip


@runtime_checkable
class ContinuousImage(Protocol):
    """Anything that renders at any size."""

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the low-resolution image it came from, in pixels."""
        ...

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped; exactly one of size (H, W) and scale (a number, or vertical and horizontal) is given."""
        ...


@runtime_checkable
class StripImage(ContinuousImage, Protocol):
    """A continuous image that renders its output in pieces, so that no output is too large for memory.

    One that a model with `tiling` makes also has `crop(rows=, columns=)` and `join(tiles)`, as `GaussianField` has.
    """

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        ...


@runtime_checkable
class QueryableImage(ContinuousImage, Protocol):
    """A continuous image that can also be decoded at single points."""

    def query(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q 3"]:
        """RGB, unclamped, at points of the square [-1, 1]^2 that the image fills.

        `cell` is the (height, width) of an output pixel in the same units, one for all points of an image: (2 / H, 2 / W).
        The pixels of `render(size=(H, W))` are its values at `geometry.pixel_centres`.
        """
        ...


@runtime_checkable
class LikelihoodImage(QueryableImage, Protocol):
    """A continuous image that is one of many it might have been, and says how likely another one is."""

    def log_likelihood(
        self, hr: Sequence[Float[Tensor, "3 _ _"]] | Float[Tensor, "b 3 _ _"], pixels: Int64[Tensor, "b q row_column=2"]
    ) -> Float[Tensor, "b q"]:
        """Log-density in nats of what stands in these pixels, (row, column), of a picture in [0, 1] for every image."""
        ...


@runtime_checkable
class SampledImage(QueryableImage, Protocol):
    """A continuous image that is one of many it might have been, and can be drawn from them."""

    def sample(self, *, temperature: float, seed: int) -> QueryableImage:
        """Another one; temperature 0 is the one in the middle of them."""
        ...
