"""LTE, "Local Texture Estimator for Implicit Representation Function" (Lee & Jin, CVPR 2022).

Amplitudes and frequencies of a texture's waves are estimated per LR pixel, their phases from the cell; an MLP turns the waves
at a point into its color's difference from the bilinear LR image. The mean is taken over the four nearest pixels, as in LIIF.
"""

from functools import partial
from typing import Annotated

from annotated_types import Ge, Le
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import PositiveOrInfinite, Width, Widths
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.clipped_cell import clipped_cell
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.flip_padding import flip_pad, in_larger
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import opposite_areas
from splatsr.decoders.local_texture import LocalTexture, neighbouring_halves
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class LTE(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        waves: number of waves (published: 128, the half of `hidden_dim`).
        hidden: hidden widths of the MLP (published: three times 256).
        largest_scale: of the training; beyond it the MLP is given the cell of that scale (published test: 4); inf: none.
        flip_padding: the encoder's window in LR pixels, for the published test's padding, see `decoders.flip_padding`; 0: none.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(
        self,
        *,
        encoder: Encoder,
        waves: Width,
        hidden: Widths,
        largest_scale: PositiveOrInfinite,
        flip_padding: Annotated[int, Ge(0), Le(1024)],
    ) -> None:
        super().__init__()
        channels = lr_channels(encoder)
        self.encoder, self.largest_scale, self.flip_padding = encoder, largest_scale, flip_padding
        self.coef = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.freq = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.phase = nn.Linear(2, waves, bias=False)
        self.imnet = mlp([2 * waves, *hidden, 3], partial(nn.ReLU, inplace=True))

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        padded = flip_pad(lr, self.flip_padding)
        features = self.encoder(to_normalised(padded))
        amplitudes, frequencies = FeatureGrid.of(self.coef(features)), FeatureGrid.of(self.freq(features))
        texture = LocalTexture(amplitudes, frequencies, neighbouring_halves)
        return ImplicitImage(lr, in_larger(partial(self._decode, padded, texture), lr, padded))

    def _decode(
        self,
        lr: Float[Tensor, "b 3 h w"],
        texture: LocalTexture,
        coordinates: Float[Tensor, "b q yx=2"],
        cell: Float[Tensor, "b yx=2"],
    ) -> Float[Tensor, "b q rgb=3"]:
        phases = self.phase(clipped_cell(cell, texture.size, self.largest_scale))
        features, offsets = texture.around(coordinates, phases)
        found = (self.imnet(features) * opposite_areas(offsets)).sum(1)
        return bilinear(lr, coordinates) + from_normalised(found) - 0.5


PUBLISHED = PublishedForm(
    name="lte",
    title="LTE",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [256, 256, 256]}},
        "hidden_dim": 256,
    },
    ignored=[],
    names={"coef.": "coef.", "freq.": "freq.", "phase.": "phase.", "imnet.layers.": "imnet."},
    config={
        "_target_": "splatsr.models.lte.LTE",
        "waves": 128,
        "hidden": [256, 256, 256],
        "largest_scale": 4,
        "flip_padding": 0,
    },
)
