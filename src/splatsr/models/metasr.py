"""Meta-SR (Hu et al., CVPR 2019) in the form that every arbitrary-scale paper compares with: LIIF's re-implementation.

A point's colour is linear in the 3x3 neighbourhood of its LR pixel, by weights that an MLP predicts from the point's place
in that pixel and the scale. There is no local ensemble, and pixels are referred to their upper left corners.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import nearest_pixel, offset_from
from splatsr.models.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.models.implicit_image import ImplicitImage
from splatsr.models.local_ensemble import NUDGE
from splatsr.models.mlp import mlp
from splatsr.models.published_form import PublishedForm
from splatsr.models.signed_rgb import from_signed, to_signed


class MetaSR(nn.Module):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: width of the MLP's hidden layer (published: 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: nn.Module, hidden: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.imnet = mlp([3, hidden, 9 * lr_channels(encoder) * 3], nn.ReLU)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1].

        rgb = features @ (last layer of the MLP) is linear in both, so the sum over the 576 features is taken first, here,
        once per LR pixel: what is left for a point is the sum over the hidden units and one for the layer's bias.
        """
        features = self.encoder(to_signed(lr))
        last = self.imnet[-1]
        weight = torch.cat([last.weight, last.bias[:, None]], dim=1)  # rows are (feature, rgb), columns hidden units and 1
        by_unit = weight.view(-1, 3, weight.shape[1]).permute(1, 2, 0).flatten(0, 1)
        return ImplicitImage(lr, partial(self._decode, FeatureGrid.of(linear_of_unfolded(features, by_unit))))

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q 2"], cell: Float[Tensor, "b 2"]
    ) -> Float[Tensor, "b q 3"]:
        corners = coordinates - cell[:, None] / 2  # of the output's pixels
        pixels = nearest_pixel(corners + NUDGE, grid.size)
        places = (offset_from(pixels, corners, grid.size) + 1) / 2  # from the LR pixel's corner, in LR pixels, [0, 1)
        inverse_scale = cell[:, None, :1] * grid.size[0] / 2  # only the vertical scale enters, as published
        units = self.imnet[:-1](torch.cat([places, inverse_scale.expand_as(places[..., :1])], dim=-1))
        rows = grid.at(pixels).unflatten(-1, (3, -1))
        return from_signed((rows[..., :-1] @ units[..., None])[..., 0] + rows[..., -1])


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
