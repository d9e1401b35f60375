"""LIIF, "Learning Continuous Image Representation with Local Implicit Image Function" (Chen et al., CVPR 2021).

A point's color is an MLP of the features of a near LR pixel and the way from that pixel's centre to the point; the mean is
taken over the four nearest pixels. Feature unfolding, local ensemble and cell decoding (section 3) are always on.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.bounds import Widths
from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import four_pixels, half_pixel, opposite_areas
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class LIIF(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: hidden widths of the MLP (published: four times 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Widths) -> None:
        super().__init__()
        self.encoder = encoder
        self.imnet = mlp([9 * lr_channels(encoder) + 4, *hidden, 3], partial(nn.ReLU, inplace=True))

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1].

        The MLP's first layer is linear in the unfolded features, and these are the same for all points near a pixel: that
        part of it is computed here, once per LR pixel.
        """
        features = self.encoder(to_normalised(lr))
        of_features = self.imnet.first.weight[:, :-4]
        return ImplicitImage(lr, partial(self._decode, FeatureGrid.of(linear_of_unfolded(features, of_features))))

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        first, rest = self.imnet.first, self.imnet[1:]
        pixels = four_pixels(coordinates, grid.size, half_pixel(grid.size))
        offsets = offset_from(pixels, coordinates[:, None], grid.size)
        cells = (cell * cell.new_tensor(grid.size))[:, None, None].expand_as(offsets)
        hidden = grid.at(pixels) + linear(torch.cat([offsets, cells], -1), first.weight[:, -4:], first.bias)
        return from_normalised((rest(hidden) * opposite_areas(offsets)).sum(1))


PUBLISHED = PublishedForm(
    name="liif",
    title="LIIF",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [256, 256, 256, 256]}},
        "local_ensemble": True,
        "feat_unfold": True,
        "cell_decode": True,
    },
    ignored=[],
    names={"imnet.layers.": "imnet."},
    config={"_target_": "splatsr.models.liif.LIIF", "hidden": [256, 256, 256, 256]},
)
