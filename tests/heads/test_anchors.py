import torch

from splatsr.heads.anchors import Anchors


def test_anchors_are_the_corners_of_the_cells_and_stay_there() -> None:
    means = Anchors(channels=3, per_side=2)(torch.randn(2, 8, 3), (1, 2))
    assert means[1].tolist() == [[0, 0], [0.5, 0], [1, 0], [1.5, 0], [0, 0.5], [0.5, 0.5], [1, 0.5], [1.5, 0.5]]
