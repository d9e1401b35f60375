import torch
from torch import Tensor
from torch.nn.functional import pad, unfold

from splatsr.decoders.upsampled_image import FeatureRows, UpsampledImage
from splatsr.geometry import Output, pixel_centres
from splatsr.image.tiling import Span


def test_a_neighbourhood_is_the_nine_pixels_around_with_zeros_beyond_the_border() -> None:
    features = torch.randn(2, 4, 7, 5)
    everywhere = pixel_centres(torch.cartesian_prod(torch.arange(7), torch.arange(5)), (7, 5)).expand(2, -1, -1)
    expected = unfold(pad(features, (1, 1, 1, 1)), 3).unflatten(1, (4, 9)).permute(0, 3, 2, 1).flatten(2)
    for rows in ((0, 7), (0, 3), (2, 5), (4, 7)):
        first, end = FeatureRows.with_margin(rows, 7)
        part = FeatureRows.of(features[:, :, first:end], (7, 5), rows)
        these = slice(5 * rows[0], 5 * rows[1])
        assert torch.equal(part.around(everywhere[:, these]), expected[:, these])


def test_a_map_is_made_for_the_size_that_the_cell_says() -> None:
    made = []

    def upsample(output: Output, rows: Span, images: slice) -> Tensor:
        made.append((output.size, rows, images))
        return torch.zeros(2, 1, rows[1] - rows[0], output.size[1])[images]

    def middle(features: FeatureRows, coordinates: Tensor, _: Tensor) -> Tensor:
        return features.around(coordinates)[..., 4:5].expand(-1, -1, 3)

    image = UpsampledImage(torch.zeros(2, 3, 4, 5), upsample, middle)
    image.render(scale=2.5)
    image.query(torch.zeros(2, 1, 2), torch.tensor([[2 / 10, 2 / 12]] * 2))
    image.query(torch.zeros(2, 1, 2), torch.tensor([[2 / 10, 2 / 12], [2 / 1356, 2 / 2040]]))
    everything, each = slice(None), [slice(0, 1), slice(1, 2)]
    assert made == [*[((10, 12), (0, 10), everything)] * 2, ((10, 12), (0, 10), each[0]), ((1356, 2040), (0, 1356), each[1])]
