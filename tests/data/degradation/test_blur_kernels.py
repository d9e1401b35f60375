import math

import numpy as np
import pytest

from splatsr.data.degradation.blur_kernels import gaussian_kernel, sinc_kernel

Y, X = np.mgrid[-20:21, -20:21]


def response(kernel: np.ndarray, frequency: float) -> float:
    """Of a wave along x, radians per pixel."""
    x = np.arange(kernel.shape[1]) - kernel.shape[1] // 2
    return float((kernel * np.cos(frequency * x)).sum())


@pytest.mark.parametrize("power", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("plateau", [False, True])
def test_kernels_sum_to_one_and_have_their_centre_in_the_middle(power: float, plateau: bool) -> None:
    kernel = gaussian_kernel(41, (1.5, 3.0), 0.7, power, plateau=plateau)
    assert kernel.sum() == pytest.approx(1)
    assert np.allclose(kernel, kernel[::-1, ::-1])
    assert np.unravel_index(kernel.argmax(), kernel.shape) == (20, 20)


def test_a_gaussian_has_its_covariance() -> None:
    kernel = gaussian_kernel(41, (3.0, 1.5), math.pi / 6, 1.0, plateau=False)
    turn = np.array([[math.cos(math.pi / 6), -math.sin(math.pi / 6)], [math.sin(math.pi / 6), math.cos(math.pi / 6)]])
    expected = turn @ np.diag([9, 2.25]) @ turn.T
    found = [[(kernel * X * X).sum(), (kernel * X * Y).sum()], [(kernel * X * Y).sum(), (kernel * Y * Y).sum()]]
    assert np.abs(found - expected).max() < 0.01


def test_greater_powers_have_steeper_flanks() -> None:
    """What there is at 2 sigma, of what there is in the middle."""
    for plateau in (False, True):
        flanks = [gaussian_kernel(41, (4.0, 4.0), 0.0, power, plateau=plateau)[20, 28] for power in (0.5, 1.0, 3.0)]
        middles = [gaussian_kernel(41, (4.0, 4.0), 0.0, power, plateau=plateau)[20, 20] for power in (0.5, 1.0, 3.0)]
        shares = [flank / middle for flank, middle in zip(flanks, middles, strict=True)]
        assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("cutoff", [math.pi / 4, math.pi / 2])
def test_a_sinc_passes_low_frequencies_and_no_high_ones(cutoff: float) -> None:
    kernel = sinc_kernel(61, cutoff)
    assert kernel.sum() == pytest.approx(1)
    assert kernel.min() < 0, "it rings"
    assert response(kernel, 0.6 * cutoff) == pytest.approx(1, abs=0.1)
    assert response(kernel, min(1.5 * cutoff, math.pi)) == pytest.approx(0, abs=0.1)


def test_a_side_of_one_leaves_everything() -> None:
    assert gaussian_kernel(1, (0.2, 3.0), 1.0, 0.5, plateau=True).tolist() == [[1]]
    assert sinc_kernel(1, 2.0).tolist() == [[1]]
