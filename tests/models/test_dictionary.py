import pytest
import torch

from splatsr.models.dictionary import normal_dictionary, published_dictionary, uniform_dictionary


def test_published_grid() -> None:
    rows = published_dictionary()
    assert rows.shape == (730, 3)
    assert rows[0].tolist() == pytest.approx([0, -0.86, 0])
    assert rows[1].tolist() == pytest.approx([0, -0.86, 0.33]), "l22 runs fastest"
    assert rows[81 * 3 + 9 * 2 + 1].tolist() == pytest.approx([0.98, -0.16, 0.33])
    assert rows[-1].tolist() == [0, 0, 0]
    assert rows.mean(0).tolist() == pytest.approx([1.1407, 0.3395, 1.0475], abs=1e-4)
    assert int((rows[:-1, 0] * rows[:-1, 2] == 0).sum()) == 153


def test_normal_prior_is_reproducible_and_clipped() -> None:
    make = {"rows": 2000, "mean": [1.13, 0.34, 1.03], "deviation": [0.5, 0.5, 0.5]}
    rows = normal_dictionary(**make, seed=0)
    assert torch.equal(rows, normal_dictionary(**make, seed=0))
    assert not torch.equal(rows, normal_dictionary(**make, seed=1))
    assert rows.mean(0).tolist() == pytest.approx(make["mean"], abs=0.05)
    assert rows[:, [0, 2]].min() == 0
    assert rows[:, 1].min() < 0


def test_uniform_range() -> None:
    rows = uniform_dictionary(rows=1000, low=2.0, high=10.0, seed=0)
    assert rows.shape == (1000, 3)
    assert 2 <= rows.min() < 2.1
    assert 9.9 < rows.max() <= 10
    with pytest.raises(ValueError, match="low must be less than high"):
        uniform_dictionary(rows=10, low=1.0, high=1.0, seed=0)
