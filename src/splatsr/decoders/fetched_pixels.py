"""The pixels that a network for a single scale makes, as a continuous image.

At that scale it is those pixels. At other sizes a point has the color of the pixel that it lies in, as LIIF's code has it where
such networks are trained in its frame; the papers leave those cells of their tables empty.
"""

from functools import partial

from jaxtyping import Float
from torch import Tensor

from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.geometry import nearest_pixel


def fetched(lr: Float[Tensor, "b 3 h w"], rgb: Float[Tensor, "b 3 height width"]) -> ImplicitImage:
    """The image of an LR batch whose pixels at one scale are known, in [0, 1] and unclamped."""
    return ImplicitImage(lr, partial(_nearest, FeatureGrid.of(rgb)))


def _nearest(pixels: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], _: Tensor) -> Float[Tensor, "b q rgb=3"]:
    return pixels.at(nearest_pixel(coordinates, pixels.size))
