import numpy as np
import pytest
import torch

from splatsr.data.degradation.mixed_noise import MixedNoise, poisson_noise
from splatsr.errors import InputError

GREY = torch.full((3, 150, 200), 0.5)


def noise(image: torch.Tensor = GREY, seed: int = 0, **changes: object) -> torch.Tensor:
    settings = {"gaussian_chance": 1, "grey_chance": 0, "sigma": [10, 10], "poisson_strength": [1, 1]}
    return MixedNoise(**{**settings, **changes})(image, np.random.default_rng(seed)) - image


def test_gaussian_noise_has_the_asked_deviation_in_every_channel() -> None:
    added = 255 * noise()
    assert (added.std((1, 2)) - 10).abs().max() < 0.2
    assert added.mean().abs() < 0.1
    assert torch.corrcoef(added.flatten(1))[0, 1].abs() < 0.02, "channels have noise of their own"


def test_grey_noise_is_the_same_in_all_channels() -> None:
    for chance in (0, 1):
        added = noise(grey_chance=1, gaussian_chance=chance)
        assert (added[0] - added[2]).abs().max() < 1e-6
        assert added.std() > 0.03


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_variance_of_poisson_noise_is_the_light(level: float) -> None:
    image = torch.full((3, 150, 200), level)
    for grey in (False, True):
        added = poisson_noise(image, torch.Generator().manual_seed(0), grey=grey)
        assert added.var().item() == pytest.approx(level / 256, rel=0.05)
        assert added.mean().abs() < 1e-3


def test_poisson_noise_has_the_asked_strength() -> None:
    stronger = noise(gaussian_chance=0, poisson_strength=[2, 2])
    assert stronger.std().item() == pytest.approx(2 * (0.5 / 256) ** 0.5, rel=0.05)


def test_a_black_image_has_no_poisson_noise_and_results_are_clipped() -> None:
    black = torch.zeros(3, 20, 20)
    assert noise(black, gaussian_chance=0).abs().max() == 0
    assert (black + noise(black, sigma=[200, 200])).max() == 1


def test_the_kind_is_drawn_as_often_as_asked() -> None:
    half = [noise(torch.zeros(3, 4, 4), seed, gaussian_chance=0.5).any().item() for seed in range(300)]
    assert 110 < sum(half) < 190


def test_torchs_own_random_numbers_are_neither_used_nor_moved() -> None:
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = noise(gaussian_chance=0), noise()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(first[0], noise(gaussian_chance=0))
    assert torch.equal(first[1], noise())


def test_impossible_ranges_are_refused() -> None:
    with pytest.raises(InputError, match=r"camera.noise.sigma must be \[smallest, largest\] between 0 and 255"):
        noise(sigma=[3, 1])
