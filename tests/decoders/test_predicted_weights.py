import torch
from torch import nn
from torch.nn.functional import unfold

from splatsr.decoders.predicted_weights import mapped, summed_features


def test_is_the_predicted_linear_map_of_the_unfolded_features() -> None:
    """By definition: the last layer makes (9 C, 3) weights for every point, which are applied to its LR pixel's features."""
    channels, hidden, points = 4, 5, 7
    features, last = torch.randn(2, channels, 3, 6, dtype=torch.float64), nn.Linear(hidden, 9 * channels * 3).double()
    pixels = torch.stack([torch.randint(3, (2, points)), torch.randint(6, (2, points))], dim=-1)
    units = torch.randn(2, points, hidden, dtype=torch.float64)

    unfolded = unfold(features, 3, padding=1).unflatten(-1, (3, 6))
    own = torch.stack([unfolded[b, :, pixels[b, :, 0], pixels[b, :, 1]].T for b in range(2)])
    expected = torch.einsum("bqfr,bqf->bqr", last(units).unflatten(-1, (-1, 3)), own)

    torch.testing.assert_close(mapped(summed_features(features, last).at(pixels), units), expected)
