"""CiaoSR, "Continuous Implicit Attention-in-Attention Network for Arbitrary-Scale Image Super-Resolution" (Cao et al., CVPR
2023).

A point attends to the four nearest LR pixels. It asks with the features of the pixel that it lies in; keys and values are the
four pixels' features, each times a factor that an MLP makes of them, of the way from the pixel to the point, and of the output
pixel's size (section 3.2, "scale-aware attention in attention"). Values also hold features of similar places elsewhere in the
image (section 3.3, non-local). An MLP makes of what was attended to the color's difference from the bilinear LR image.
"""

from functools import partial
from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, unfold

from splatsr.bounds import AtLeastOne, Widths
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.cross_scale_attention import CrossScaleAttention
from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import aligned_step, four_pixels
from splatsr.encoders.edsr import ResidualBlock
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import nearest_pixel, offset_from
from splatsr.heads.mlp import Perceptron, mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm

MEAN = (0.4488, 0.4371, 0.4040)
"""RGB that is subtracted from LR images, as published: DIV2K's."""


class Grids(NamedTuple):
    """What is looked up by LR pixel: unfolded features, non-local features, and what the first layers of the MLPs of keys and
    values, side by side, make of both."""

    unfolded: FeatureGrid
    similar: FeatureGrid
    first: FeatureGrid


class CiaoSR(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: hidden widths of the three MLPs (published: four times 256), at least one.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Annotated[Widths, AtLeastOne]) -> None:
        super().__init__()
        channels, relu = lr_channels(encoder), partial(nn.ReLU, inplace=True)
        self.encoder = encoder
        self.imnet_q = mlp([10 * channels, *hidden, 3], relu)
        self.imnet_k = mlp([9 * channels + 4, *hidden, 9 * channels], relu)
        self.imnet_v = mlp([10 * channels + 4, *hidden, 10 * channels], relu)
        self.cs_attn = CrossScaleAttention(channels=channels)
        _shrink_residual_blocks(encoder)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]: non-local features are those of the whole LR image.

        As in LIIF, what the first layers of the MLPs make of features is computed here, once per LR pixel.
        """
        features = self.encoder(lr - lr.new_tensor(MEAN).view(3, 1, 1))
        similar = self.cs_attn(features)
        unfolded = unfold(features, 3, padding=1).view(len(lr), -1, *lr.shape[-2:])
        keys, values, unfolds = self.imnet_k.first.weight, self.imnet_v.first.weight, unfolded.shape[1]
        first = linear_of_unfolded(features, torch.cat([keys[:, :unfolds], values[:, :unfolds]]))
        of_similar = conv2d(similar, values[:, unfolds:-4, None, None])
        first = torch.cat([first[:, : len(keys)], first[:, len(keys) :] + of_similar], 1)
        grids = Grids(FeatureGrid.of(unfolded), FeatureGrid.of(similar), FeatureGrid.of(first))
        return ImplicitImage(lr, partial(self._decode, lr, grids), cost=4)

    def _decode(
        self,
        lr: Float[Tensor, "b 3 h w"],
        grids: Grids,
        coordinates: Float[Tensor, "b q yx=2"],
        cell: Float[Tensor, "b yx=2"],
    ) -> Float[Tensor, "b q rgb=3"]:
        size = grids.unfolded.size
        pixels = four_pixels(coordinates, size, aligned_step(cell, size))
        offsets = offset_from(pixels, coordinates[:, None], size)
        cells = (cell * cell.new_tensor(size))[:, None, None].expand_as(offsets)
        conditions, width = torch.cat([offsets, cells], -1), self.imnet_k.first.out_features
        first = grids.first.at(pixels)
        # Keys and values, each times factors of its own.
        local = grids.unfolded.at(pixels)
        keys = local * _from_first(self.imnet_k, first[..., :width], conditions)
        values = torch.cat([local, grids.similar.at(pixels)], -1) * _from_first(self.imnet_v, first[..., width:], conditions)
        # The query is the pixel that the point lies in. There is no 1 / sqrt(channels), as published.
        queries = grids.unfolded.at(nearest_pixel(coordinates, size))
        attention = (queries[:, None] * keys).sum(-1, keepdim=True).softmax(1)
        return bilinear(lr, coordinates) + self.imnet_q((attention * values).sum(1))


def _from_first(
    perceptron: Perceptron, of_features: Float[Tensor, "*n width"], conditions: Float[Tensor, "*n offset_and_cell=4"]
) -> Float[Tensor, "*n out"]:
    """The MLP of features, offset and cell, of which the first layer's part of the features is given."""
    first = perceptron.first
    return perceptron[1:](of_features + linear(conditions, first.weight[:, -4:], first.bias))


@torch.no_grad()
def _shrink_residual_blocks(encoder: Encoder) -> None:
    """First weights of EDSR's residual blocks as MMEditing has them: Kaiming's rule, a tenth of it; biases zero."""
    for block in encoder.modules():
        if isinstance(block, ResidualBlock):
            for name, parameter in block.named_parameters():
                if name.endswith("weight"):
                    nn.init.kaiming_normal_(parameter, nonlinearity="relu").mul_(0.1)
                else:
                    nn.init.zeros_(parameter)


PUBLISHED = PublishedForm(
    name="ciaosr",
    title="CiaoSR",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir-body": "encoder."},
    upscale=1,
    arguments={},
    ignored=[],
    names={
        **{f"imnet_{one}.layers.": f"imnet_{one}." for one in ("q", "k", "v")},
        "cs_attn.": "cs_attn.",
    },
    config={"_target_": "splatsr.models.ciaosr.CiaoSR", "hidden": [256, 256, 256, 256]},
)
