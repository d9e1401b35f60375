import pytest
import torch
from torch import Tensor

from splatsr.decoders import implicit_image
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.geometry import Output, Strip, pixel_centres
from splatsr.image.continuous_image import StripImage


def place_and_cell(coordinates: Tensor, cell: Tensor) -> Tensor:
    return torch.cat([coordinates, cell[:, None, :1].expand(-1, coordinates.shape[1], -1)], -1)


def test_pixels_are_asked_at_their_centres_vertical_first() -> None:
    image = ImplicitImage(torch.zeros(2, 3, 2, 3), place_and_cell).render(scale=(2, 1))
    assert image.shape == (2, 3, 4, 3)
    torch.testing.assert_close(image[0, 0, :, 0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    torch.testing.assert_close(image[1, 1, 0], torch.tensor([-2 / 3, 0, 2 / 3]))
    assert (image[:, 2] == 0.5).all()


@pytest.mark.parametrize("count", [1, 5, 7, 100])
def test_chunks_do_not_change_the_image_and_are_bounded(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def decode(coordinates: Tensor, cell: Tensor) -> Tensor:
        asked.append(coordinates.shape[0] * coordinates.shape[1])
        return place_and_cell(coordinates, cell)

    image = ImplicitImage(torch.zeros(2, 3, 3, 4), decode)
    assert isinstance(image, StripImage)
    whole = image.render(size=(7, 9))
    assert asked == [2 * 7 * 9]
    monkeypatch.setitem(implicit_image.CHUNK, "cpu", count)
    assert torch.equal(image.render(size=(7, 9)), whole)
    everywhere = pixel_centres(torch.cartesian_prod(torch.arange(7), torch.arange(9)), (7, 9)).expand(2, -1, -1)
    assert torch.equal(image.query(everywhere, torch.tensor([[2 / 7, 2 / 9]] * 2)).mT.view(2, 3, 7, 9), whole)
    strip = Strip(Output((7, 9), (7 / 3, 9 / 4)), (3, 4), rows=(2, 5), origin=0)
    assert torch.equal(image.render_strip(strip), whole[:, :, 2:5])
    assert max(asked[1:]) <= max(count, 2)
