import numpy as np
import pytest
import torch
import yaml

from splatsr.heads.dictionary import published_dictionary
from splatsr.image.field import GaussianField
from splatsr.prior.statistics import PRIOR, UNITS, correlations, describe, histograms, shape_values, unsigned, visible
from splatsr.runs.configuration import CONF


def rows(count: int = 20000) -> torch.Tensor:
    return torch.randn(count, 3) * torch.tensor([0.3, 0.2, 0.1]) + torch.tensor([1.1, 0.3, 1.0])


def test_signs_do_not_change_the_kernel() -> None:
    cholesky = torch.randn(500, 3, dtype=torch.float64)
    lower = torch.zeros(2, 500, 2, 2, dtype=torch.float64)
    for place, entries in enumerate((cholesky, unsigned(cholesky))):
        lower[place, :, 0, 0], lower[place, :, 1, 0], lower[place, :, 1, 1] = entries.T
    first, second = lower @ lower.mT
    torch.testing.assert_close(first, second)
    assert unsigned(cholesky)[:, [0, 2]].min() >= 0
    values = shape_values(cholesky)
    for name, (row, column) in {"sxx": (0, 0), "sxy": (1, 0), "syy": (1, 1)}.items():
        np.testing.assert_allclose(values[name], first[:, row, column])


def test_figures_of_a_known_distribution() -> None:
    values = shape_values(rows())
    figures = describe(values)
    assert list(figures) == list(UNITS)
    assert list(figures["l11"]) == ["p0.5", "p1", "p5", "p50", "p95", "p99", "p99.5", "mean", "deviation"]
    assert figures["l11"]["mean"] == pytest.approx(1.1, abs=0.02)
    assert figures["l21"]["deviation"] == pytest.approx(0.2, abs=0.01)
    assert figures["l22"]["p99"] == pytest.approx(1 + 2.326 * 0.1, abs=0.02)
    assert figures["sxx"]["mean"] == pytest.approx(1.1**2 + 0.3**2, abs=0.02)
    assert abs(correlations(values)["l11 l21"]) < 0.05
    assert correlations(values)["sxy rho"] > 0.8
    assert len(correlations(values)) == 9
    counted = histograms(values)["l11"]
    assert sum(counted["counts"]) + counted["below"] + counted["above"] == 20000


def test_kernels_without_width_have_no_rho() -> None:
    values = shape_values(torch.cat([rows(100), torch.tensor([[0.0, 0.5, 1.0]])]))
    assert np.isnan(values["rho"]).sum() == 1
    assert np.isfinite(describe(values)["rho"]["mean"])
    assert all(np.isfinite(list(correlations(values).values())))


def test_visible_kernels_reach_a_pixel_centre() -> None:
    means = torch.tensor([[[2.5, 2.5], [2.0, 2.0], [40.0, 2.0], [2.5, 2.5]]])
    cholesky = torch.tensor([[[0.01, 0.0, 0.01], [0.01, 0.0, 0.01], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]])
    field = GaussianField(means, cholesky, torch.zeros(1, 4, 3), (8, 8))
    assert visible(field).tolist() == [[True, False, False, False]]


def test_the_normal_dictionary_is_of_the_published_prior() -> None:
    dictionary = yaml.safe_load((CONF / "model/dictionary/normal.yaml").read_text())
    assert dictionary["mean"] == [entry.mean for entry in PRIOR.values()]
    assert dictionary["deviation"] == [entry.deviation for entry in PRIOR.values()]


def test_it_is_the_centre_and_the_unit_step_of_the_published_grid() -> None:
    for column, entry in zip(published_dictionary().T, PRIOR.values(), strict=True):
        levels, counts = column.unique(return_counts=True)
        grid = levels[counts >= 81]  # a level of one entry meets 9 x 9 of the others
        assert len(grid) == 9
        assert grid[4].item() == pytest.approx(entry.mean)
        assert (grid[6] - grid[2]).item() / 2 == pytest.approx(entry.deviation, abs=0.006)
