"""SRNO, "Super-Resolution Neural Operator" (Wei and Zhang, CVPR 2023).

A point's features are those of the four nearest LR pixels, each times the opposite one's area, with the ways to their centres
and the cell. Two layers of Galerkin attention let all points see each other; a perceptron makes of each the difference from the
bilinear LR image. An output therefore is one piece: what else is decoded changes every point, and the published code's chunks
change the picture.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Gt
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from splatsr.bounds import MayBeInfinite, Width
from splatsr.decoders.attended_image import AttendedImage
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.clipped_cell import clipped_cell
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.galerkin_attention import GalerkinAttention
from splatsr.decoders.local_ensemble import four_pixels, half_pixel, opposite_areas
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.decoders.pointwise import pointwise
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import Number, offset_from
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class SRNO(Model):
    """LR image to AttendedImage.

    Args:
        encoder: LR to features on the LR grid.
        width: channels of a point's features (published: 256).
        heads: of the attention (published, as "blocks": 16); the width is a multiple of them.
        largest_scale: of the training; beyond it the network is given the cell of that scale (published test: 4); inf: none.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre, all pixels together"

    def __init__(
        self, *, encoder: Encoder, width: Width, heads: Width, largest_scale: Annotated[Number, Gt(0), MayBeInfinite()]
    ) -> None:
        super().__init__()
        self.encoder, self.largest_scale = encoder, largest_scale
        self.conv00 = nn.Conv2d(4 * (2 + lr_channels(encoder)) + 2, width, 1)
        self.conv0 = GalerkinAttention(channels=width, heads=heads)
        self.conv1 = GalerkinAttention(channels=width, heads=heads)
        self.fc1, self.fc2 = nn.Conv2d(width, width, 1), nn.Conv2d(width, 3, 1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> AttendedImage:
        """The image of a batch of RGB images in [0, 1]."""
        return AttendedImage(lr, _Decoder(self, lr, FeatureGrid.of(self.encoder(to_normalised(lr)))))


class _Decoder:
    """SRNO's queries of one batch; see `AttendingDecoder`."""

    def __init__(self, network: SRNO, lr: Float[Tensor, "b 3 h w"], grid: FeatureGrid) -> None:
        self._network, self._lr, self._grid = network, lr, grid
        self._attentions = [network.conv0, network.conv1]
        self.layers = len(self._attentions)

    def sums(self, coordinates: Tensor, cell: Tensor, means: Sequence[Tensor]) -> Tensor:
        return self._attentions[len(means)].sums(self._attended(coordinates, cell, means))

    def colors(self, coordinates: Tensor, cell: Tensor, means: Sequence[Tensor]) -> Tensor:
        features = self._attended(coordinates, cell, means)
        difference = pointwise(self._network.fc2, gelu(pointwise(self._network.fc1, features)))
        return bilinear(self._lr, coordinates) + from_normalised(difference) - 0.5

    def _attended(self, coordinates: Tensor, cell: Tensor, means: Sequence[Tensor]) -> Float[Tensor, "b q c"]:
        """Features of the points behind as many layers of attention as there are means."""
        size = self._grid.size
        pixels = four_pixels(coordinates, size, half_pixel(size))
        offsets = offset_from(pixels, coordinates[:, None], size)
        weighted = self._grid.at(pixels) * opposite_areas(offsets)
        cells = clipped_cell(cell, size, self._network.largest_scale)[:, None].expand_as(coordinates)
        parts = [offsets.transpose(1, 2).flatten(2), weighted.transpose(1, 2).flatten(2), cells]
        features = pointwise(self._network.conv00, torch.cat(parts, -1))
        for attention, mean in zip(self._attentions, means, strict=False):
            features = attention(features, mean)
        return features


PUBLISHED = PublishedForm(
    name="sronet",
    title="SRNO",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={"width": 256, "blocks": 16},
    ignored=[],
    names={name: name for name in ("conv00.", "conv0.", "conv1.", "fc1.", "fc2.")},
    config={"_target_": "splatsr.models.srno.SRNO", "width": 256, "heads": 16, "largest_scale": 4},
)
