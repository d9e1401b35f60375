import numpy as np
import pytest
import torch

from splatsr.data.degradation.mixed_resize import MixedResize, resized
from splatsr.errors import InputError

IMAGE = torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(0))


def sizes(*chances: float, size: tuple[int, int] = (40, 60)) -> list[tuple[int, int]]:
    resize = MixedResize(chances=chances, factors=[0.3, 1.5])
    return [tuple(resize(IMAGE, size, np.random.default_rng(seed)).shape[-2:]) for seed in range(100)]


def test_larger_smaller_and_neither() -> None:
    heights = [height for height, _ in sizes(1, 0, 0)]
    assert min(heights) >= 40
    assert 55 < max(heights) <= 60
    heights = [height for height, _ in sizes(0, 1, 0)]
    assert 12 <= min(heights) < 15
    assert max(heights) <= 40
    assert set(sizes(0, 0, 1)) == {(40, 60)}
    assert all(abs(width - 1.5 * height) < 2 for height, width in sizes(0.4, 0.4, 0.2)), "the proportions stay"


def test_the_factor_is_of_the_size_that_is_named() -> None:
    assert set(sizes(0, 0, 1, size=(7, 9))) == {(7, 9)}
    assert min(sizes(0, 1, 0, size=(1, 1))) == (1, 1)


def test_no_rule_moves_the_image_or_changes_a_constant() -> None:
    x = (torch.arange(60) + 0.5).expand(3, 40, 60) / 60
    results = [resized(x, (20, 30), np.random.default_rng(seed)) for seed in range(20)]
    assert len({tuple(one[0, 0].tolist()) for one in results}) > 1, "there are several rules"
    expected = (torch.arange(30) + 0.5) / 30
    for one in results:
        assert (one[0, 0] - expected)[2:-2].abs().max() < 1e-5
    constants = [resized(torch.full((3, 9, 7), 0.4), (13, 4), np.random.default_rng(seed)) for seed in range(10)]
    assert all(torch.allclose(one, torch.tensor(0.4)) for one in constants)


def test_impossible_factors_are_refused() -> None:
    with pytest.raises(InputError, match=r"factors must have 1 between them; got \[1.1, 1.5\]"):
        MixedResize(chances=[1, 0, 0], factors=[1.1, 1.5])
    with pytest.raises(InputError, match="resize.chances must be chances that add up to 1"):
        MixedResize(chances=[1, 1, 0], factors=[0.5, 1.5])
