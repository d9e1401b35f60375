import math

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor

from splatsr.data.degradation.filters import MixedBlur, SincFilter, draw_power, draw_side, filtered
from splatsr.errors import InputError
from splatsr.resize.levels import to_tensor

PHOTOGRAPH = to_tensor(np.ascontiguousarray(astronaut()[:64, 150:230]))


def blur(**changes: object) -> MixedBlur:
    settings = {
        "chance": 1.0, "sinc_chance": 0.0, "sinc_cutoff": [0.6, 3.1], "shapes": [1, 0, 0, 0, 0, 0], "side": [7, 21],
        "sigma": [2, 2], "generalised_power": [0.5, 4], "plateau_power": [1, 2],
    }  # fmt: skip
    return MixedBlur(**{**settings, **changes})


def detail(image: Tensor) -> float:
    """The mean step from pixel to pixel."""
    return image.diff(dim=-1).abs().mean().item() + image.diff(dim=-2).abs().mean().item()


@pytest.mark.parametrize("shape", range(6))
def test_every_shape_blurs_and_keeps_the_mean_and_a_constant(shape: int) -> None:
    chosen = blur(shapes=[float(index == shape) for index in range(6)])
    blurred = chosen(PHOTOGRAPH, np.random.default_rng(shape))
    assert detail(blurred) < 0.8 * detail(PHOTOGRAPH)
    assert (blurred.mean((1, 2)) - PHOTOGRAPH.mean((1, 2))).abs().max() < 0.01
    constant = chosen(torch.full((3, 30, 20), 0.3), np.random.default_rng(0))
    torch.testing.assert_close(constant, torch.full((3, 30, 20), 0.3))


def test_isotropic_shapes_are_round_and_the_others_are_not() -> None:
    for shape, is_round in enumerate((True, False) * 3):
        chosen = blur(shapes=[float(index == shape) for index in range(6)], sigma=[0.5, 3])
        kernel = chosen.kernel(21, np.random.default_rng(1))
        assert np.allclose(kernel, kernel.T[::-1]) == is_round, "turned by a quarter"


def test_a_blur_happens_as_often_as_it_is_asked_to() -> None:
    half = blur(chance=0.5)
    outcomes = [half(PHOTOGRAPH, np.random.default_rng(seed)) is PHOTOGRAPH for seed in range(200)]
    assert 70 < sum(outcomes) < 130


def test_a_sinc_filter_takes_fine_waves_away_and_leaves_broad_ones() -> None:
    x = torch.arange(80) + torch.zeros(3, 60, 1)
    sinc = SincFilter(chance=1, side=[21, 21], cutoff=[math.pi / 3, math.pi / 3])
    fine, broad = (0.5 + 0.4 * torch.cos(frequency * x) for frequency in (0.8 * math.pi, 0.1 * math.pi))
    inner = (..., slice(10, 50), slice(10, 70))
    assert sinc(fine, np.random.default_rng(0))[inner].std() < 0.1 * fine[inner].std()
    assert (sinc(broad, np.random.default_rng(0)) - broad)[inner].abs().max() < 0.05
    assert SincFilter(chance=0, side=[21, 21], cutoff=[1, 1])(fine, np.random.default_rng(0)) is fine


def test_a_blur_may_be_a_sinc_filter() -> None:
    edge = torch.zeros(3, 40, 40)
    edge[..., 20:] = 1
    rings = blur(sinc_chance=1.0, sinc_cutoff=[1, 1])(edge, np.random.default_rng(0))
    assert rings.min() < -0.02
    assert blur()(edge, np.random.default_rng(0)).min() >= 0


def test_x_and_y_are_not_exchanged() -> None:
    point = torch.zeros(3, 21, 31)
    point[:, 8, 20] = 1
    kernel = np.zeros((5, 5))
    kernel[2, 1:4] = 1 / 3
    row = filtered(point, kernel)
    torch.testing.assert_close(row[0, 8, 18:23], torch.tensor([0, 1 / 3, 1 / 3, 1 / 3, 0]))
    assert row.sum() == pytest.approx(3)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 40)])
def test_kernels_fit_images_of_any_size(size: tuple[int, int]) -> None:
    image = torch.rand(3, *size)
    for seed in range(20):
        assert draw_side((7, 21), image, np.random.default_rng(seed)) <= 2 * min(size) - 1
        assert blur()(image, np.random.default_rng(seed)).shape == image.shape


def test_sides_are_odd_and_all_of_them_come() -> None:
    sides = [draw_side((7, 21), PHOTOGRAPH, np.random.default_rng(seed)) for seed in range(200)]
    assert set(sides) == set(range(7, 22, 2))


def test_powers_lie_on_both_sides_of_one() -> None:
    powers = [draw_power((0.5, 4.0), np.random.default_rng(seed)) for seed in range(400)]
    assert 0.4 < np.mean(np.array(powers) < 1) < 0.6
    assert 0.5 <= min(powers) < 0.6 < 3.9 < max(powers) <= 4
    assert all(1 <= draw_power((1.0, 2.0), np.random.default_rng(seed)) <= 2 for seed in range(50))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": [6, 21]}, "camera.blur.side must be two odd numbers"),
        ({"sigma": [0, 3]}, r"camera.blur.sigma must be \[smallest, largest\] between 0.01 and 20"),
        ({"shapes": [0.5] * 6}, "camera.blur.shapes must be chances that add up to 1"),
    ],
)
def test_impossible_values_are_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        blur(**change)
