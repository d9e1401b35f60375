"""Latent modulation (He and Jin, "Latent Modulated Function for Computational Optimal Continuous Image Representation", CVPR
2024): a wide perceptron runs once per LR pixel, and a narrow one, which it modulates, at every point."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.local_ensemble import four_pixels, half_pixel, opposite_areas
from splatsr.geometry import offset_from
from splatsr.heads.mlp import Perceptron


def rendered(
    perceptron: Perceptron, modulation: FeatureGrid, coordinates: Float[Tensor, "b q yx=2"], cells: Float[Tensor, "b yx=2"]
) -> Float[Tensor, "b q rgb=3"]:
    """The narrow perceptron at points, from the four nearest LR pixels as in LIIF; `cells` in half LR pixels.

    Its input is (code, way to the pixel's centre, cells); a hidden layer computes relu((1 + scale) (W x + b) + shift). In the
    modulation all scales come first, then all shifts, then the code.
    """
    hidden, size = perceptron.first.out_features, modulation.size
    layers = [layer for layer in perceptron if isinstance(layer, torch.nn.Linear)]
    pixels = four_pixels(coordinates, size, half_pixel(size))
    offsets = offset_from(pixels, coordinates[:, None], size)
    found = modulation.at(pixels)
    depth = len(layers) - 1
    scales, shifts, code = found.split([depth * hidden, depth * hidden, found.shape[-1] - 2 * depth * hidden], -1)
    x = torch.cat([code, offsets, cells[:, None, None].expand_as(offsets)], -1)
    for layer, scale, shift in zip(layers, scales.split(hidden, -1), shifts.split(hidden, -1), strict=False):
        x = (linear(x, layer.weight, layer.bias) * (1 + scale) + shift).relu()
    answers = linear(x, layers[-1].weight, layers[-1].bias)
    return (answers * opposite_areas(offsets)).sum(1)
