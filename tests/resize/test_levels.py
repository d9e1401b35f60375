import numpy as np
import torch

from splatsr.resize.levels import eight_bit, to_tensor, to_uint8, unrounded


def test_levels_and_values_go_over_into_each_other() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    assert np.array_equal(eight_bit(unrounded(levels)), levels)
    assert np.array_equal(to_uint8(to_tensor(levels)), levels)
    assert torch.equal(to_tensor(unrounded(levels)), to_tensor(levels))
    assert eight_bit(np.float32([[[-0.1, 1.2, 0.5 / 255]]])).tolist() == [[[0, 255, 1]]]
