import pytest
import torch

from splatsr.decoders.flip_padding import flip_pad, in_larger
from splatsr.geometry import pixel_centres


@pytest.mark.parametrize(("height", "width"), [(5, 8), (3, 9), (4, 1)])
def test_is_the_published_concatenation(height: int, width: int) -> None:
    """As SwinIR's test script has it: the image and its mirror image, cut at the next multiple above."""
    lr, window = torch.rand(2, 3, height, width), 4
    tall, wide = ((side // window + 1) * window for side in (height, width))
    expected = torch.cat([lr, lr.flip(2)] * 2, dim=2)[:, :, :tall]
    expected = torch.cat([expected, expected.flip(3)] * 3, dim=3)[..., :wide]
    assert torch.equal(flip_pad(lr, window), expected)


def test_without_a_window_nothing_is_padded() -> None:
    lr = torch.rand(1, 3, 5, 7)
    assert flip_pad(lr, 0) is lr


def test_points_of_the_image_are_the_same_points_of_the_larger_one() -> None:
    lr, larger = torch.zeros(1, 3, 5, 6), torch.zeros(1, 3, 8, 10)
    pixels = torch.tensor([[[0, 0], [4, 5], [2, 3]]])
    cell = torch.tensor([[2 / 5, 2 / 6]])
    asked = []
    in_larger(lambda coordinates, cell: asked.extend([coordinates, cell]), lr, larger)(pixel_centres(pixels, (5, 6)), cell)
    torch.testing.assert_close(asked[0], pixel_centres(pixels, (8, 10)))
    torch.testing.assert_close(asked[1], torch.tensor([[2 / 8, 2 / 10]]))
