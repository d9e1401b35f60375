"""A-LIIF, "Adaptive Local Implicit Image Function for Arbitrary-Scale Super-Resolution" (Li et al., ICIP 2022).

LIIF with a narrow MLP of its own for every point and near LR pixel: a combination of ten MLPs whose weights are learned, by
coefficients that an expansion network finds from what LIIF's MLP is fed.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from splatsr.bounds import Width, Widths
from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_ensemble import four_pixels, half_pixel, opposite_areas
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class Basis(nn.Module):
    """MLPs of equal widths, whose layers are combined per point: y = sum_k a_k (W_k x + b_k).

    Layer l has its weights as (count, out * in) and its biases as (count, out), as published.

    Args:
        count: number of MLPs.
        widths: of their layers, input and output included.
    """

    def __init__(self, *, count: int, widths: Sequence[int]) -> None:
        super().__init__()
        shapes = [(outputs, inputs) for inputs, outputs in pairwise(widths)]
        self.weights = nn.ParameterList(torch.empty(count, math.prod(shape)) for shape in shapes)
        self.biases = nn.ParameterList(torch.empty(count, outputs) for outputs, _ in shapes)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            bound = weight.shape[1] ** -0.5  # published: Kaiming's rule on that shape, which takes out * in for the fan-in
            nn.init.uniform_(weight, -bound, bound)
            nn.init.uniform_(bias, -bound, bound)

    def layer(self, index: int) -> tuple[Float[Tensor, "count_out n"], Float[Tensor, " count_out"]]:
        """(weight, bias) of one linear layer whose outputs are those of that layer of all MLPs, one MLP after the other."""
        bias = self.biases[index].flatten()
        return self.weights[index].view(len(bias), -1), bias


class ALIIF(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        hidden: hidden widths of the combined MLP (published: four times 16).
        basis: number of MLPs that are combined (published: 10).
        expansion: hidden widths of the expansion network (published: four times 256).
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(self, *, encoder: Encoder, hidden: Widths, basis: Width, expansion: Widths) -> None:
        super().__init__()
        inputs = 9 * lr_channels(encoder) + 4
        self.encoder = encoder
        self.expansion = mlp([inputs, *expansion, basis], partial(nn.ReLU, inplace=True))
        self.basis = Basis(count=basis, widths=[inputs, *hidden, 3])

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1].

        As in LIIF, what the first layers of all networks make of the unfolded features is computed here, once per LR pixel.
        """
        features = self.encoder(to_normalised(lr))
        of_features = self._first_layers()[0][:, :-4]
        return ImplicitImage(lr, partial(self._decode, FeatureGrid.of(linear_of_unfolded(features, of_features))))

    def _first_layers(self) -> tuple[Float[Tensor, "out inputs"], Float[Tensor, " out"]]:
        """(weight, bias) of the expansion network's first layer and, below it, those of the basis."""
        first, (weight, bias) = self.expansion.first, self.basis.layer(0)
        return torch.cat([first.weight, weight]), torch.cat([first.bias, bias])

    def _decode(
        self, grid: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q rgb=3"]:
        weight, bias = self._first_layers()
        # The four nearest LR pixels, the way from each one's centre to the point, and the output pixel's size.
        pixels = four_pixels(coordinates, grid.size, half_pixel(grid.size))
        offsets = offset_from(pixels, coordinates[:, None], grid.size)
        cells = (cell * cell.new_tensor(grid.size))[:, None, None].expand_as(offsets)
        # The first layers of all networks: their part of the features is in the grid, that of offset and cell is added here.
        first = grid.at(pixels) + linear(torch.cat([offsets, cells], -1), weight[:, -4:], bias)
        # The expansion network goes on from its own part, to one coefficient for each MLP of the basis.
        width = self.expansion.first.out_features
        expanded = self.expansion[2:](first[..., :width].relu())  # not an in-place ReLU: the rest of `first` is needed below
        coefficients = normalize(expanded, dim=-1)  # of either sign
        # The basis goes on from the rest: after every layer the outputs of its MLPs are combined into one.
        hidden = combined(first[..., width:], coefficients)
        for index in range(1, len(self.basis.weights)):
            hidden = combined(linear(hidden.relu(), *self.basis.layer(index)), coefficients)
        # RGB for each of the four LR pixels; their weighted mean, as in LIIF.
        return from_normalised((hidden * opposite_areas(offsets)).sum(1))


def combined(outputs: Float[Tensor, "*n count_out"], coefficients: Float[Tensor, "*n count"]) -> Float[Tensor, "*n out"]:
    """The sum of the outputs of all MLPs of a basis, which stand one after the other, times their coefficients.

    The published code combines the weights instead: the same, with a matrix of 16 x 580 for every point.
    """
    return (outputs.unflatten(-1, (coefficients.shape[-1], -1)) * coefficients[..., None]).sum(-2)


PUBLISHED = PublishedForm(
    name="liif",  # their repository grew out of LIIF's
    title="A-LIIF",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {"name": "mlp_pw", "args": {"out_dim": 3, "hidden_list": [16, 16, 16, 16]}},
        "pdn_spec": {"name": "ExpansionNet", "args": {"in_dim": 580, "out_dim": 10, "hidden_list": [256, 256, 256, 256]}},
        "local_ensemble": True,
        "feat_unfold": True,
        "cell_decode": True,
    },
    ignored=["basis_spec"],  # sizes, which the tensors show, and a file that the published test reads the basis from once more
    names={
        "pdn.layers.": "expansion.",
        **{f"basis.w{layer}": f"basis.weights.{layer}" for layer in range(5)},
        **{f"basis.bias{layer + 1}": f"basis.biases.{layer}" for layer in range(5)},  # sic: w0 goes with bias1
    },
    config={
        "_target_": "splatsr.models.aliif.ALIIF",
        "hidden": [16, 16, 16, 16],
        "basis": 10,
        "expansion": [256, 256, 256, 256],
    },
)
