import torch

from splatsr.encoders.edsr import EDSR
from splatsr.encoders.layout import for_speed


def test_images_lie_channels_last_only_where_no_gradient_is_wanted() -> None:
    lr = torch.rand(2, 3, 4, 5)
    assert for_speed(lr) is lr
    with torch.no_grad():
        assert for_speed(lr).is_contiguous(memory_format=torch.channels_last)
        assert (for_speed(lr) == lr).all()


def test_features_inherit_the_layout() -> None:
    encoder = EDSR(channels=8, blocks=1, upscale=4, out_channels=8, input_mean=0.0)
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 6, 5)).is_contiguous(memory_format=torch.channels_last)
