import numpy as np

from splatsr.data.degradation.eight_bit import EightBit


def test_values_become_the_nearest_level_and_levels_stay() -> None:
    values = np.float32([-0.3, 0.0, 0.4 / 255, 0.6 / 255, 127.4 / 255, 1.0, 1.7]).reshape(1, 7, 1).repeat(3, 2)
    rounded = EightBit()(values, (1, 7), np.random.default_rng(0))
    assert rounded.dtype == np.uint8
    assert rounded[0, :, 1].tolist() == [0, 0, 0, 1, 127, 255, 255]
    assert np.array_equal(EightBit()(rounded, (1, 7), np.random.default_rng(0)), rounded)
