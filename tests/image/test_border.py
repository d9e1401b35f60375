import numpy as np
import pytest
import torch

from splatsr.image.border import continued


@pytest.mark.parametrize("size", [(5, 7), (1, 9), (2, 1)])
@pytest.mark.parametrize("margin", [0, 1, 4, 12])
def test_it_is_numpys_symmetric_padding(size: tuple[int, int], margin: int) -> None:
    image = torch.rand(2, 3, *size)
    expected = np.pad(image.numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="symmetric")
    assert np.array_equal(continued(image, margin).numpy(), expected)
