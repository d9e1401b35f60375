"""A point's RGB as a linear map of its LR pixel's features, by weights that an MLP predicts for the point (Meta-SR, ITSRN).

rgb = (weights @ units) @ features is linear in the MLP's last hidden units and in the features. Which features a point sees is
the LR pixel's alone, so the sum over them (576, unfolded) is done first, once per LR pixel; a point sums over the units.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded


def summed_features(features: Float[Tensor, "b c h w"], last: nn.Linear) -> FeatureGrid:
    """The sums over the unfolded features, per LR pixel: for R, G and B, one for each hidden unit and one for the bias.

    `last` is the MLP's last layer; its outputs are the weights in the order (feature, rgb).
    """
    # Column u of this matrix is what hidden unit u contributes to all weights; the last column is the bias.
    weight = torch.cat([last.weight, last.bias[:, None]], dim=1)
    # (feature, rgb, unit) -> (rgb * unit, feature): a linear map of the unfolded features for every pair of a color and a unit.
    by_unit = weight.view(-1, 3, weight.shape[1]).permute(1, 2, 0).flatten(0, 1)
    return FeatureGrid.of(linear_of_unfolded(features, by_unit))


def mapped(sums: Float[Tensor, "*n sums"], units: Float[Tensor, "*n units"]) -> Float[Tensor, "*n rgb=3"]:
    """RGB of points, from their LR pixels' sums and the MLP's hidden units for them.

    A product and a sum: batches of matrices as small as these take twice the time to train.
    """
    rows = sums.unflatten(-1, (3, -1))  # (rgb, units and bias)
    return (rows[..., :-1] * units[..., None, :]).sum(-1) + rows[..., -1]
