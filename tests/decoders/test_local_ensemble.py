import torch

from splatsr.decoders.local_ensemble import aligned_step, four_pixels, half_pixel, opposite_areas
from splatsr.geometry import offset_from, pixel_centres

SIZE = (4, 6)  # rows of 0.5, columns of 1/3


def around(vertical: float, horizontal: float) -> tuple[torch.Tensor, torch.Tensor]:
    coordinates = torch.tensor([[[vertical, horizontal]]])
    pixels = four_pixels(coordinates, SIZE, half_pixel(SIZE))
    return pixels, opposite_areas(offset_from(pixels, coordinates[:, None], SIZE))[0, :, 0, 0]


def test_the_four_pixels_stand_in_reading_order() -> None:
    pixels, _ = around(0.0, 0.1)  # between rows 1 and 2; right of column 3's left side at 0, left of its centre at 1/6
    assert pixels[0, :, 0].tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]


def test_weights_are_bilinear_inside() -> None:
    _, weights = around(0.0, 0.1)
    right = (0.1 + 1 / 6) * 3  # from the centre of column 2 to that of column 3
    expected = torch.tensor([0.5 * (1 - right), 0.5 * right, 0.5 * (1 - right), 0.5 * right])
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=0)


def test_weights_sum_to_one_everywhere() -> None:
    coordinates = torch.rand(2, 50, 2) * 2 - 1
    pixels = four_pixels(coordinates, SIZE, half_pixel(SIZE))
    weights = opposite_areas(offset_from(pixels, coordinates[:, None], SIZE))
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 50, 1))


def test_at_the_border_pixels_stand_twice() -> None:
    pixels, _ = around(-1.0, 1.0)
    assert pixels[0, :, 0].tolist() == [[0, 5]] * 4


def test_a_point_on_a_pixels_centre_belongs_to_it_alone() -> None:
    coordinates = pixel_centres(torch.tensor([[[2, 3]]]), SIZE)
    pixels, weights = around(*coordinates[0, 0].tolist())
    assert pixels[0, 0, 0].tolist() == [2, 3]
    torch.testing.assert_close(weights, torch.tensor([1.0, 0, 0, 0]), atol=1e-4, rtol=0)


def test_the_aligned_shift_is_half_a_step_between_aligned_outermost_centres_and_a_single_pixel_needs_none() -> None:
    shift = aligned_step(torch.tensor([[0.05, 0.2]]), (6, 1))
    torch.testing.assert_close(shift, torch.tensor([0.95 / 5, 0.8])[None, None, None])
