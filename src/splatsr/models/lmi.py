"""LMI, the local mix implicit network of "Continuous Optical Zooming" (CVPR 2024).

The 4x4 LR pixels around a point are sixteen tokens. One MLP-mixer block mixes them: every channel over the tokens, helped by a
map that a small network makes of the point's place among them, then every token over its channels, with its color and the way
to it. Each token gives RGB; the mean is taken by opposite areas, as in LIIF.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from splatsr.bounds import Width
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import opposite_areas, sixteen_pixels
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm

_TOKENS = 16


class LMI(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        meta_hidden: width of the hidden layer that makes the map (published: 64).
        token_hidden: width of the hidden layer over tokens (published: 32).
        channel_hidden: width of the hidden layer over channels (published: 128).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, meta_hidden: Width, token_hidden: Width, channel_hidden: Width) -> None:
        super().__init__()
        channels = lr_channels(encoder)
        self.encoder = encoder
        self.metanet = mlp([2 * _TOKENS + 1, meta_hidden, channels * _TOKENS], nn.ReLU)
        self.token_mix = mlp([2 * _TOKENS, token_hidden, _TOKENS])
        self.channel_mix = mlp([channels + 6, channel_hidden, channels])
        self.out = nn.Linear(channels, 3)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        rgb = to_normalised(lr)
        features = self.encoder(rgb)
        grids = FeatureGrid.of(features), FeatureGrid.of(rgb.to(features.dtype))
        return ImplicitImage(lr, partial(self._decode, *grids), cost=4)

    def _decode(
        self, features: FeatureGrid, rgb: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        pixels = sixteen_pixels(coordinates, features.size)
        offsets = offset_from(pixels, coordinates[:, None], features.size)
        ways = offsets.transpose(1, 2)  # (b, q, tokens, yx)
        cells = (cell[:, 0] * features.size[0])[:, None, None]  # the vertical size alone, as published
        # A map of (channels, tokens) for the point.
        told = torch.cat([ways.flatten(2), cells.expand(*ways.shape[:2], 1)], -1)
        map_of_point = self.metanet(told).unflatten(-1, (-1, _TOKENS))
        # Mixing over tokens, then over channels; a GELU follows both layers of both perceptrons.
        tokens = features.at(pixels).transpose(1, 2)
        mixed = tokens + gelu(self.token_mix(torch.cat([tokens.mT, map_of_point], -1))).mT
        colors = rgb.at(pixels).transpose(1, 2)
        described = torch.cat([mixed, colors, ways, cells[..., None].expand(*ways.shape[:3], 1)], -1)
        mixed = mixed + gelu(self.channel_mix(described))
        answers = self.out(tokens + mixed)
        return from_normalised((answers * opposite_areas(offsets).transpose(1, 2)).sum(2))


PUBLISHED = PublishedForm(
    name="lmi",
    title="LMI",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {
            "name": "MLP-mixer-all-no_norm-sr64-localE",
            "args": {"depth": 1, "out_dim": 3, "hidden_list": [256]},
        }
    },
    ignored=["local_ensemble", "feat_unfold", "cell_decode", "with_area"],  # the first must be true, the others are not read
    names={
        "metanet.layers.": "metanet.",
        "imnet.mixer_blocks.0.token_mix.0.net.": "token_mix.",
        "imnet.mixer_blocks.0.channel_mix.0.net.": "channel_mix.",
        "imnet.out.": "out.",
    },
    config={"_target_": "splatsr.models.lmi.LMI", "meta_hidden": 64, "token_hidden": 32, "channel_hidden": 128},
)
