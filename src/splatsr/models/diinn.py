"""DIINN, "Single Image Super-Resolution via a Dual Interactive Implicit Neural Network" (Nguyen and Beksi, WACV 2023).

Two networks of equal depth: one makes a sine of the point's position in its LR pixel, layer by layer (synthesis); the other
makes of the pixel's features, and of what came out before, the factors by which each layer's waves are multiplied (modulation).
This is the paper's final model (f), the published code's mode 3. A point sees a single LR pixel: there is no ensemble.
"""

from functools import partial
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.bounds import AtLeastOne, Widths
from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.decoders.pointwise import pointwise
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import offset_from
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class DIINN(Model):
    """LR image to ImplicitImage: the published decoder consists of 1x1 convolutions, so every point can be decoded alone.

    Args:
        encoder: LR to features on the LR grid.
        hidden: widths of the layers of both networks (published: four times 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Annotated[Widths, AtLeastOne]) -> None:
        super().__init__()
        unfolded = 9 * lr_channels(encoder)
        self.encoder, self.hidden = encoder, list(hidden)
        before = [0, *hidden[:-1]]
        self.modulation = nn.ModuleList(nn.Conv2d(q + unfolded, k, 1) for q, k in zip(before, hidden, strict=True))
        self.synthesis = nn.ModuleList(nn.Conv2d(inputs, outputs, 1) for inputs, outputs in pairwise([3, *hidden]))
        self.last = nn.Conv2d(hidden[-1], 3, 1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1].

        Every layer of the modulation is linear in the unfolded features: that part of all of them is computed here, once per
        LR pixel, and not at every point.
        """
        features = self.encoder(to_normalised(lr))
        of_features = torch.cat([layer.weight[:, -9 * features.shape[1] :, 0, 0] for layer in convolutions(self.modulation)])
        return ImplicitImage(lr, partial(self._decode, FeatureGrid.of(linear_of_unfolded(features, of_features))))

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        pixels = nearest_exact(coordinates, cell, grid.size)
        offsets = offset_from(pixels, coordinates, grid.size)
        inverse_area = (cell * cell.new_tensor(grid.size) / 2).prod(-1)[:, None, None]  # of an output pixel, in LR pixels
        hidden = torch.cat([offsets, inverse_area.expand_as(offsets[..., :1])], -1)
        networks = convolutions(self.modulation), convolutions(self.synthesis)
        layers = zip(*networks, grid.at(pixels).split(self.hidden, -1), strict=True)
        for index, (modulation, synthesis, of_features) in enumerate(layers):
            assert modulation.bias is not None
            of_hidden = modulation.weight[:, : hidden.shape[-1], 0, 0]
            before = linear(hidden, of_hidden, modulation.bias) if index else modulation.bias  # the first: features alone
            hidden = (of_features + before).relu() * pointwise(synthesis, hidden).sin()
        return from_normalised(pointwise(self.last, hidden))


def nearest_exact(
    coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"], size: tuple[int, int]
) -> Int64[Tensor, "b q row_column=2"]:
    """The LR pixel that a point lies in: floor((i + 0.5) h / H) in float32, `interpolate`'s nearest-exact.

    The family's rule (`geometry.nearest_pixel`) differs where an output pixel's centre lies on the border of two LR pixels, as
    one in five does at x2.5: there the published code takes either, by the rounding of h / H, and this takes the same.
    """
    # (H, W) of the output, from the size of its pixels.
    output_size = (2 / cell.float()).round()[:, None]
    # The point in output pixels, rounded to 64ths: what is meant as a pixel's centre, i + 0.5, is so exactly again.
    position = ((coordinates.float() + 1) * output_size * 32).round() / 64
    # The ratio h / H is rounded to float32 before it multiplies: that decides where the product would be a whole number.
    lr_size = output_size.new_tensor(size)
    pixels = (position * (lr_size / output_size)).long()
    # Points on or beyond the image's border belong to the pixels there.
    return torch.minimum(pixels, lr_size.long() - 1).clamp(min=0)


def convolutions(layers: nn.ModuleList) -> list[nn.Conv2d]:
    """The convolutions of a list of nothing else."""
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]


PUBLISHED = PublishedForm(
    name="diinn",
    title="DIINN",
    encoders={"rdn": "net.encoder."},
    upscale=1,
    arguments={"mode": 3, "init_q": False},
    ignored=["lr", "lr_gamma", "lr_step", "eval_bsize"],  # of the training, and of the test's chunks
    names={
        **{f"net.decoder.K.{layer}.0.": f"modulation.{layer}." for layer in range(4)},
        **{f"net.decoder.Q.{layer}.0.": f"synthesis.{layer}." for layer in range(4)},
        "net.decoder.last_layer.": "last.",
    },
    config={"_target_": "splatsr.models.diinn.DIINN", "hidden": [256, 256, 256, 256]},
)
