"""ITSRN, "Implicit Transformer Network for Screen Content Image Continuous Super-Resolution" (Yang et al., NeurIPS 2021).

The way from a near LR pixel to the point and the scale make the weights of a linear map from that pixel's features to RGB (the
implicit transformer); a network then makes one color of the four nearest pixels' RGB (implicit position encoding).
Embeddings of points and scales, which the published code has but does not use, are left out.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Width, Widths
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import aligned_step, four_pixels
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.decoders.predicted_weights import mapped, summed_features
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class ITSRN(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: hidden widths of the MLP that makes weights (published: four times 256).
        score_hidden: width of the hidden layer that scores an offset (published: 256).
        aggregation_hidden: width of the hidden layer that makes one color of four (published: 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Widths, score_hidden: Width, aggregation_hidden: Width) -> None:
        super().__init__()
        self.encoder = encoder
        self.imnet = mlp([4, *hidden, 9 * lr_channels(encoder) * 3])
        self.score = mlp([2, score_hidden, 1])
        self.aggregation = mlp([4, aggregation_hidden, 1])

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        features = self.encoder(to_normalised(lr))
        return ImplicitImage(lr, partial(self._decode, summed_features(features, self.imnet.last)))

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        pixels = four_pixels(coordinates, grid.size, aligned_step(cell / 2, grid.size))
        offsets = offset_from(pixels, coordinates[:, None], grid.size)
        inverse_scale = (cell * cell.new_tensor(grid.size) / 2)[:, None, None].expand_as(offsets)  # the paper's scale token
        units = self.imnet[:-1](torch.cat([offsets, inverse_scale], -1))
        corners = zip(pixels.unbind(1), units.unbind(1), strict=True)  # one by one: a pixel has 771 sums
        rgb = torch.stack([mapped(grid.at(pixel), unit) for pixel, unit in corners], 1) + self.score(offsets)
        return from_normalised(self.aggregation(rgb.permute(0, 2, 3, 1))[..., 0])  # the same network for R, G and B


PUBLISHED = PublishedForm(
    name="ITNSR",  # sic
    title="ITSRN",
    encoders={"rdn": "encoder.", "edsr-baseline": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {"name": "mlp", "args": {"hidden_list": [256, 256, 256, 256], "act": "gelu"}},
        "local_ensemble": True,
        "feat_unfold": True,
        "scale_token": True,
        "embedding_coord": None,
        "embedding_scale": None,
    },
    ignored=[],
    names={"imnet.layers.": "imnet.", "Score.layers.": "score.", "Weight.layers.": "aggregation."},
    config={
        "_target_": "splatsr.models.itsrn.ITSRN",
        "hidden": [256, 256, 256, 256],
        "score_hidden": 256,
        "aggregation_hidden": 256,
    },
)
