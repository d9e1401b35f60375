import pytest
import torch

from splatsr.heads.ddcw import DDCW
from splatsr.heads.regressed import RegressedShapes
from splatsr.heads.shapes_head import ShapesHead

HEADS = {
    "ddcw": lambda: DDCW(channels=4, dictionary=torch.rand(6, 3), embedding=5, embedding_hidden=[7]),
    "regressed": lambda: RegressedShapes(channels=4, embedding=5, hidden=[7]),
}


@pytest.mark.parametrize("name", HEADS)
def test_after_the_start_every_kernel_has_the_mean_row(name: str) -> None:
    head, features = HEADS[name](), torch.randn(2, 4, 3, 5)
    assert isinstance(head, ShapesHead)
    assert not torch.allclose(head(features), head.mean_row.expand(2, 15, 3), atol=1e-3)
    head.start_at_mean_row()
    torch.testing.assert_close(head(features), head.mean_row.expand(2, 15, 3))


@pytest.mark.parametrize("name", HEADS)
def test_no_row_is_longer_than_the_longest_deviation(name: str) -> None:
    head = HEADS[name]()
    l11, l21, l22 = head(100 * torch.randn(1, 4, 9, 9)).unbind(-1)
    assert torch.maximum(l11.abs(), torch.hypot(l21, l22)).max().item() <= head.longest_deviation
