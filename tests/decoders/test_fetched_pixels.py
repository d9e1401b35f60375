import torch
from torch.nn.functional import interpolate

from splatsr.decoders.fetched_pixels import fetched
from splatsr.image.continuous_image import QueryableImage, StripImage


def test_the_pixels_come_back_and_other_sizes_fetch_the_nearest() -> None:
    lr, rgb = torch.rand(2, 3, 5, 7), torch.randn(2, 3, 10, 14)
    image = fetched(lr, rgb)
    assert isinstance(image, QueryableImage)
    assert isinstance(image, StripImage)
    assert torch.equal(image.render(scale=2), rgb)
    assert torch.equal(image.render(size=(30, 70)), interpolate(rgb, size=(30, 70), mode="nearest-exact"))
