"""The decoder of SRNO, which MambaSR shares: a neural operator from the features near points to their colors.

A point's features are those of the four nearest LR pixels, each times the opposite one's area, with the ways to their centres
and the cell. Two layers of Galerkin attention let all points see each other; a perceptron makes of each the difference from the
bilinear LR image. An output therefore is one piece: what else is decoded changes every point, and the published code's chunks
change the picture.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from splatsr.decoders.attended_image import AttendedImage
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.clipped_cell import clipped_cell
from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.galerkin_attention import GalerkinAttention
from splatsr.decoders.local_ensemble import four_pixels, half_pixel, opposite_areas
from splatsr.decoders.normalised_rgb import from_normalised
from splatsr.decoders.pointwise import pointwise
from splatsr.geometry import Number, offset_from


class NeuralOperator(nn.Module):
    """Features on the LR grid to AttendedImage. Weights have the shapes of the published 1x1 convolutions.

    Args:
        channels: of the features.
        width: channels of a point's features; a multiple of `heads`.
        heads: of the attention.
        largest_scale: of the training; beyond it the network is given the cell of that scale.
    """

    def __init__(self, *, channels: int, width: int, heads: int, largest_scale: Number) -> None:
        super().__init__()
        self.largest_scale = largest_scale
        self.conv00 = nn.Conv2d(4 * (2 + channels) + 2, width, 1)
        self.conv0 = GalerkinAttention(channels=width, heads=heads)
        self.conv1 = GalerkinAttention(channels=width, heads=heads)
        self.fc1, self.fc2 = nn.Conv2d(width, width, 1), nn.Conv2d(width, 3, 1)

    def forward(self, lr: Float[Tensor, "b 3 h w"], features: Float[Tensor, "b c h w"]) -> AttendedImage:
        """The image of a batch of RGB images in [0, 1]."""
        return AttendedImage(lr, _Decoder(self, lr, FeatureGrid.of(features)))


class _Decoder:
    """The queries of one batch; see `AttendingDecoder`."""

    def __init__(self, network: NeuralOperator, lr: Float[Tensor, "b 3 h w"], grid: FeatureGrid) -> None:
        self._network, self._lr, self._grid = network, lr, grid
        self._attentions = [network.conv0, network.conv1]
        self.layers, self.width = len(self._attentions), network.conv00.out_channels

    def features(self, coordinates: Tensor, cell: Tensor) -> Float[Tensor, "b q c"]:
        size = self._grid.size
        pixels = four_pixels(coordinates, size, half_pixel(size))
        offsets = offset_from(pixels, coordinates[:, None], size)
        weighted = self._grid.at(pixels) * opposite_areas(offsets)
        cells = clipped_cell(cell, size, self._network.largest_scale)[:, None].expand_as(coordinates)
        parts = [offsets.transpose(1, 2).flatten(2), weighted.transpose(1, 2).flatten(2), cells]
        return pointwise(self._network.conv00, torch.cat(parts, -1))

    def sums(self, features: Tensor, layer: int) -> Tensor:
        return self._attentions[layer].sums(features)

    def attended(self, features: Tensor, layer: int, mean: Tensor) -> Tensor:
        return self._attentions[layer](features, mean)

    def colors(self, features: Tensor, coordinates: Tensor) -> Tensor:
        difference = pointwise(self._network.fc2, gelu(pointwise(self._network.fc1, features)))
        return bilinear(self._lr, coordinates) + from_normalised(difference) - 0.5


PUBLISHED_NAMES = {f"{name}.": f"operator.{name}." for name in ("conv00", "conv0", "conv1", "fc1", "fc2")}
"""Its tensors' names in published files, and in models that have it as `operator`."""
