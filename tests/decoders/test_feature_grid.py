import torch
from torch.nn.functional import unfold

from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded


def test_every_image_is_asked_for_its_own_pixels() -> None:
    features = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    pixels = torch.tensor([[[0, 0], [1, 4]], [[3, 2], [0, 1]]])
    found = FeatureGrid.of(features).at(pixels)
    for image in range(2):
        for query in range(2):
            row, column = pixels[image, query]
            assert torch.equal(found[image, query], features[image, :, row, column])


def test_a_convolution_is_a_linear_layer_on_unfolded_features() -> None:
    features, weight = torch.rand(2, 3, 4, 5), torch.rand(7, 27)
    unfolded = unfold(features, 3, padding=1).view(2, 27, 4, 5)
    expected = torch.einsum("oc,bchw->bohw", weight, unfolded)
    torch.testing.assert_close(linear_of_unfolded(features, weight), expected)
