import pytest
import torch

from splatsr.image.field import GaussianField
from splatsr.image.field_statistics import describe_field


def test_dead_kernels_and_coverage_are_counted() -> None:
    means = torch.tensor([[[2.0, 2.0], [2.0, 6.0], [6.0, 2.0], [6.0, 6.0]]])
    cholesky = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.5, 1.0], [1.0, 0.0, 1.0]]]) / 4
    colors = torch.tensor([[[0.5] * 3, [0.5] * 3, [0.001] * 3, [-0.5] * 3]])  # the second has no area, the third no color
    figures = describe_field(GaussianField(means, cholesky, colors, (8, 8)))
    assert figures["kernels"] == 4
    assert figures["dead"] == 0.5
    # the support of three kernels of sigma 1 is sqrt(2 ln 255) = 3.33 of the 32 pixels
    assert figures["coverage"] == pytest.approx(3 * torch.pi * 3.33**2 / 32**2, rel=0.1)
    assert figures["dc_gain_low"] == 0
    assert figures["l11_mean"] == pytest.approx(0.75)
    assert figures["l21_mean"] == pytest.approx(0.125)


def test_an_even_field_has_one_dc_gain() -> None:
    y, x = torch.meshgrid(torch.arange(40) / 2, torch.arange(40) / 2, indexing="ij")
    means = torch.stack([x, y], -1).view(1, -1, 2)
    cholesky = torch.tensor([1.14, 0.34, 1.05]).expand(1, 1600, 3) / 4
    field = GaussianField(means, cholesky, torch.ones(1, 1600, 3), (20, 20))
    figures = describe_field(field)
    assert figures["coverage"] == 1
    assert figures["dead"] == 0
    assert figures["dc_gain_high"] == pytest.approx(4 * 2 * torch.pi * 1.14 * 1.05 / 16, rel=0.02)
