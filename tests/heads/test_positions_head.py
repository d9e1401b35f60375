import math

import pytest
import torch

from splatsr.geometry import cell_corners
from splatsr.heads.anchors import Anchors
from splatsr.heads.apd import APD
from splatsr.heads.free import FreePositions
from splatsr.heads.positions_head import PositionsHead

HEADS = {
    "apd": lambda: APD(channels=4, per_side=2, hidden=[7], offset_range=0.7),
    "anchors": lambda: Anchors(channels=4, per_side=2),
    "free": lambda: FreePositions(channels=4, per_side=2, hidden=[7]),
}


@pytest.mark.parametrize("name", HEADS)
def test_no_kernel_is_further_from_its_corner_than_the_offset_range(name: str) -> None:
    head = HEADS[name]()
    assert isinstance(head, PositionsHead)
    means = head(1000 * torch.randn(1, 4 * 3 * 5, 4), (3, 5))
    furthest = (means - cell_corners(3, 5, 2)).abs().max().item()
    assert furthest <= head.offset_range + 1e-6
    assert math.isinf(head.offset_range) or furthest >= 0.99 * head.offset_range


@pytest.mark.parametrize("name", HEADS)
def test_every_head_can_be_started(name: str) -> None:
    head, features = HEADS[name](), torch.randn(1, 4 * 3 * 5, 4)
    head.start_centred()
    if name == "apd":
        torch.testing.assert_close(head(features, (3, 5)), (cell_corners(3, 5, 2) + 0.25)[None])
