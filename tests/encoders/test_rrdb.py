import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from splatsr.encoders.rrdb import RRDB, DenseBlock


def small() -> RRDB:
    return RRDB(channels=8, growth=4, blocks=2, upscale=1, out_channels=8)


def dense(block: DenseBlock, x: Tensor) -> Tensor:
    x1 = leaky_relu(block.conv1(x), 0.2)
    x2 = leaky_relu(block.conv2(torch.cat([x, x1], 1)), 0.2)
    x3 = leaky_relu(block.conv3(torch.cat([x, x1, x2], 1)), 0.2)
    x4 = leaky_relu(block.conv4(torch.cat([x, x1, x2, x3], 1)), 0.2)
    return x + 0.2 * block.conv5(torch.cat([x, x1, x2, x3, x4], 1))


@torch.inference_mode()
def test_it_is_its_definition() -> None:
    encoder, lr = small(), torch.rand(2, 3, 5, 7)
    for parameter in encoder.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))  # first weights are nearly 0
    first = x = encoder.conv_first(lr)
    for block in encoder.RRDB_trunk:
        x = x + 0.2 * dense(block.RDB3, dense(block.RDB2, dense(block.RDB1, x)))
    torch.testing.assert_close(encoder(lr), first + encoder.trunk_conv(x), atol=1e-6, rtol=1e-5)


def test_the_published_one_has_the_published_parameters() -> None:
    encoder = RRDB(channels=64, growth=32, blocks=23, upscale=1, out_channels=64)
    upsampling = 3 * (64 * 64 * 9 + 64) + 64 * 3 * 9 + 3  # upconv1, upconv2, HRconv, conv_last: in files, not here
    assert sum(one.numel() for one in encoder.parameters()) + upsampling == 16_697_987
    weight = encoder.RRDB_trunk[3].RDB2.conv3.weight
    assert weight.std().item() == pytest.approx(0.1 * (2 / (9 * (128 + 32))) ** 0.5, rel=0.05)
    assert not encoder.RRDB_trunk[3].RDB2.conv3.bias.any()


@torch.inference_mode()
def test_a_pixel_sees_as_far_as_the_tiling_says() -> None:
    encoder = small()
    lr = torch.rand(1, 3, 5, 90)
    changed = lr.clone()
    changed[..., 0] = 1 - lr[..., 0]
    reached = (encoder(lr) != encoder(changed)).any(dim=(0, 1, 2)).nonzero().max()
    assert reached <= encoder.tiling.overlap


def test_without_a_tail_the_widths_are_equal() -> None:
    with pytest.raises(ValueError, match="out_channels must equal channels"):
        RRDB(channels=8, growth=4, blocks=1, upscale=1, out_channels=9)
