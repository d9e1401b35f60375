import pytest
import torch

from splatsr.encoders.sparse_transformer import SparseTransformer

PUBLISHED = {
    "channels": 96, "depths": [4, 6, 6, 8], "heads": [1, 2, 4, 8], "expansion": 2.66, "upscale": 1, "out_channels": 96,
}  # fmt: skip


@pytest.mark.parametrize(("mixtures", "parameters"), [(True, 33_655_424), (False, 32_610_304)])
def test_the_published_ones_have_the_published_parameters(mixtures: bool, parameters: int) -> None:
    with torch.device("meta"):
        encoder = SparseTransformer(**PUBLISHED, mixtures=mixtures)
    last = 96 * 3 * 9  # the convolution to RGB
    assert sum(one.numel() for one in encoder.parameters()) + last == parameters


def test_every_weight_gets_a_gradient() -> None:
    encoder = SparseTransformer(**{**PUBLISHED, "channels": 16, "out_channels": 16, "depths": [1] * 4}, mixtures=True)
    features = encoder(torch.rand(2, 3, 13, 18))
    assert features.shape == (2, 16, 13, 18)
    features.square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in encoder.parameters())


def test_widths_are_even_and_equal() -> None:
    for channels, out_channels in ((96, 48), (15, 15)):
        with pytest.raises(ValueError, match="even and equal"):
            SparseTransformer(**{**PUBLISHED, "channels": channels, "out_channels": out_channels}, mixtures=True)
