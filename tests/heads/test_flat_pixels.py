import torch

from splatsr.heads.flat_pixels import FlatPixels


def test_flat_is_what_has_no_edge_within_reach() -> None:
    lr = torch.full((1, 3, 9, 12), 0.5)
    lr[:, 1, :, 6:] = 0.6  # one channel is enough
    flat = FlatPixels(threshold=0.05, reach=2)(lr)
    expected = torch.ones(12, dtype=torch.bool)
    expected[4:8] = False
    assert torch.equal(flat[0], expected.expand(9, 12))
    assert FlatPixels(threshold=0.2, reach=2)(lr).all()


def test_without_reach_every_pixel_is_flat() -> None:
    assert FlatPixels(threshold=0.001, reach=0)(torch.rand(2, 3, 4, 5)).all()


def test_beyond_the_border_there_is_nothing() -> None:
    assert FlatPixels(threshold=0.001, reach=3)(torch.full((1, 3, 2, 2), 0.7)).all()
