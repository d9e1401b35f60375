import pytest
import torch

from splatsr.heads.grey_surroundings import GreySurroundings


def test_surroundings_are_colored_as_far_as_any_color_reaches() -> None:
    lr = torch.rand(1, 1, 9, 12).expand(1, 3, 9, 12).clone()  # any grey
    lr[0, :, 4, 5] = torch.tensor([0.5, 0.5, 0.6])
    colored = GreySurroundings(threshold=0.05, reach=2)(lr)[0, 0]
    expected = torch.zeros(9, 12)
    expected[2:7, 3:8] = 1
    assert torch.equal(colored, expected)


def test_a_little_color_counts_a_little() -> None:
    lr = torch.full((1, 3, 1, 1), 0.5)
    lr[0, 2] += 0.01
    assert GreySurroundings(threshold=0.05, reach=3)(lr).item() == pytest.approx(0.2, rel=1e-4)
