import pytest
import torch

from splatsr.encoders.reflect import reflect_to_multiple


@pytest.mark.parametrize(("height", "width"), [(5, 8), (7, 13), (16, 9), (6, 5)])
def test_it_is_reflect_padding_where_that_exists(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width)
    expected = torch.nn.functional.pad(x, (0, -width % 8, 0, -height % 8), mode="reflect")
    torch.testing.assert_close(reflect_to_multiple(x, 8), expected, atol=0, rtol=0)


def test_short_sides_are_mirrored_back_and_forth() -> None:
    x = torch.arange(3.0).expand(1, 1, 2, 3)
    padded = reflect_to_multiple(x, 8)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert reflect_to_multiple(x.mT, 8)[0, 0, :, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


def test_a_single_pixel_is_repeated() -> None:
    assert (reflect_to_multiple(torch.full((1, 3, 1, 1), 0.7), 16) == torch.full((1, 3, 16, 16), 0.7)).all()


def test_fitting_images_are_left_alone() -> None:
    x = torch.randn(1, 3, 8, 16)
    assert reflect_to_multiple(x, 8) is x
