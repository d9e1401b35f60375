"""Meta-SR (Hu et al., CVPR 2019) in the form that every arbitrary-scale paper compares with: LIIF's re-implementation.

A point's color is linear in the 3x3 neighbourhood of its LR pixel, by weights that an MLP predicts from the point's position
in that pixel and the scale. There is no local ensemble, and pixels are referred to their upper left corners.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Width
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import NUDGE
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.decoders.predicted_weights import mapped, summed_features
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import nearest_pixel, offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class MetaSR(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: width of the MLP's hidden layer (published: 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Width) -> None:
        super().__init__()
        self.encoder = encoder
        self.imnet = mlp([3, hidden, 9 * lr_channels(encoder) * 3], nn.ReLU)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        features = self.encoder(to_normalised(lr))
        return ImplicitImage(lr, partial(self._decode, summed_features(features, self.imnet.last)))

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        corners = coordinates - cell[:, None] / 2  # of the output's pixels
        pixels = nearest_pixel(corners + NUDGE, grid.size)
        position = (offset_from(pixels, corners, grid.size) + 1) / 2  # from the LR pixel's corner, in LR pixels, [0, 1)
        inverse_scale = cell[:, None, :1] * grid.size[0] / 2  # only the vertical scale enters, as published
        units = self.imnet[:-1](torch.cat([position, inverse_scale.expand_as(position[..., :1])], dim=-1))
        return from_normalised(mapped(grid.at(pixels), units))


PUBLISHED = PublishedForm(
    name="metasr",
    title="Meta-SR",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir": "encoder."},
    upscale=1,
    arguments={},
    ignored=[],
    names={"imnet.layers.": "imnet."},
    config={"_target_": "splatsr.models.metasr.MetaSR", "hidden": 256},
)
