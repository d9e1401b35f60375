from functools import partial

import pytest
import torch

from splatsr.errors import InputError
from splatsr.prior.dictionaries import check_size, grid, normal, sampled


@pytest.fixture
def kernels() -> torch.Tensor:
    return torch.rand(30000, 3) * torch.tensor([2.0, 1.0, 3.0]) + torch.tensor([0.0, -0.5, 1.0])


def test_a_grid_of_quantiles_in_the_published_order(kernels: torch.Tensor) -> None:
    rows = grid(kernels, levels=[9, 9, 9], zero_row=True)
    assert rows.shape == (730, 3)
    assert rows[-1].tolist() == [0, 0, 0]
    torch.testing.assert_close(rows[0], torch.tensor([2 / 18, 1 / 18 - 0.5, 3 / 18 + 1]), rtol=0, atol=0.05)
    assert rows[1, 2] > rows[0, 2], "l22 runs fastest"
    assert rows[81, 0] > rows[0, 0], "l11 runs slowest"
    assert grid(kernels, levels=[5, 4, 5], zero_row=False).shape == (100, 3)
    torch.testing.assert_close(grid(kernels, levels=[1, 1, 1], zero_row=False)[0], kernels.median(0).values, rtol=0, atol=1e-3)


def test_normal_rows_have_the_kernels_moments(kernels: torch.Tensor) -> None:
    rows = normal(kernels, rows=20000, seed=0)
    assert rows.shape == (20000, 3)
    assert rows[:, 0].min() == 0, "clipped"
    torch.testing.assert_close(rows[:, 1].mean(), kernels[:, 1].mean(), rtol=0, atol=0.02)
    torch.testing.assert_close(rows[:, 2].std(), kernels[:, 2].std(), rtol=0, atol=0.02)


def test_sampled_rows_are_kernels(kernels: torch.Tensor) -> None:
    rows = sampled(kernels[:600], rows=500, seed=0)
    assert len(rows.unique(dim=0)) == 500
    assert all((kernels[:600] == row).all(1).any() for row in rows[:20])
    assert torch.equal(rows, sampled(kernels[:600], rows=500, seed=0))
    with pytest.raises(InputError, match="600 fitted kernels cannot give 601 rows"):
        sampled(kernels[:600], rows=601, seed=0)


def test_wrong_sizes_are_refused(kernels: torch.Tensor) -> None:
    with pytest.raises(InputError, match="three whole numbers"):
        grid(kernels, levels=[9, 9], zero_row=True)
    with pytest.raises(InputError, match="at least 1"):
        normal(kernels, rows=0, seed=0)


def test_a_dictionary_too_large_is_refused_before_it_is_made(kernels: torch.Tensor) -> None:
    for make in (partial(grid, levels=[64, 64, 16], zero_row=True), partial(sampled, rows=65537, seed=0)):
        with pytest.raises(InputError, match="would have 65537 rows; at most 65536 are possible"):
            make(kernels)
        with pytest.raises(InputError, match="would have 65537 rows; at most 65536 are possible"):
            check_size(make, 10**6)
