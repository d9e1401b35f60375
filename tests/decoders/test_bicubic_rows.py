import pytest
import torch

from splatsr.decoders.bicubic_rows import bicubic, bicubic_rows


@pytest.mark.parametrize("size", [(13, 22), (3, 4), (1, 9), (5, 9)])
def test_rows_are_those_of_the_whole(size: tuple[int, int]) -> None:
    features = torch.randn(2, 3, 5, 9, dtype=torch.float64)
    whole = bicubic(features, size)
    for first in range(size[0]):
        rows = bicubic_rows(features, size, (first, size[0]))
        torch.testing.assert_close(rows, whole[:, :, first:], atol=1e-6, rtol=0)
