import numpy as np
import pytest

from splatsr.data.degradation.noise import GaussianNoise
from splatsr.errors import InputError


def test_noise_has_the_asked_deviation() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = GaussianNoise(sigma=[10, 10])(grey, (200, 200), np.random.default_rng(0))
    assert abs(255 * (noisy - grey / 255).std() - 10) < 0.1
    assert GaussianNoise(sigma=[255, 255])(grey, (200, 200), np.random.default_rng(0)).max() == 1


@pytest.mark.parametrize("values", [[3, 1], [-1, 2], [1], [1, 300]])
def test_impossible_ranges_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match=r"data.degradation.noise.sigma must be \[smallest, largest\] between 0 and 255"):
        GaussianNoise(sigma=values)
