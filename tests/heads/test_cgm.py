import pytest
import torch

from splatsr.heads.cgm import CGM
from splatsr.heads.grey_surroundings import GreySurroundings


def head_of(*, skip: bool, hidden: tuple[int, ...] = (8, 6), per_side: int = 2) -> CGM:
    return CGM(channels=5, per_side=per_side, skip_gain=0.5, hidden=list(hidden), skip=skip, skip_rule="bilinear", grey=None)


def test_the_skip_is_the_lr_image_at_the_cells_centres() -> None:
    head = head_of(skip=True)
    head.start_at_zero()
    x = torch.arange(4.0).expand(3, 3, 4)  # a ramp along x: 3 x 4, a swapped axis shows
    colors = head(torch.randn(1, 6 * 8, 5), x[None]).unflatten(1, (6, 8))
    inner = colors[0, 2, 1:7, 0]  # without the border, where bilinear resampling repeats the edge
    torch.testing.assert_close(inner, 0.5 * torch.tensor([0.25, 0.75, 1.25, 1.75, 2.25, 2.75]))


def test_a_bicubic_skip_bends_where_a_bilinear_one_has_corners() -> None:
    x = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).expand(3, 6, 6)
    for rule, reach, overshoots in (("bilinear", 1, False), ("bicubic", 2, True)):
        head = CGM(channels=5, per_side=2, skip_gain=1.0, hidden=[8], skip=True, skip_rule=rule, grey=None)
        head.start_at_zero()
        colors = head(torch.zeros(1, 144, 5), x[None])
        assert head.reach == reach
        assert bool(colors.max() > 1.01) == overshoots
        torch.testing.assert_close(colors.mean(), torch.tensor(0.5))
    assert CGM(channels=5, per_side=2, skip_gain=1.0, hidden=[8], skip=False, skip_rule="bilinear", grey=None).reach == 0


def test_without_the_skip_colors_do_not_depend_on_the_lr_image() -> None:
    head, features = head_of(skip=False), torch.randn(2, 6 * 8, 5)
    assert torch.equal(head(features, torch.rand(2, 3, 3, 4)), head(features, torch.rand(2, 3, 3, 4)))


def test_the_mlp_can_start_as_an_affine_map() -> None:
    head, features, matrix = head_of(skip=False), torch.randn(2, 6 * 8, 5), torch.randn(3, 5)
    head.start_affine(matrix, offset=0.25, gain=3.0)
    torch.testing.assert_close(head(features, torch.rand(2, 3, 3, 4)), 3 * (features @ matrix.T + 0.25))
    with pytest.raises(ValueError, match="at least 6 units"):
        head_of(skip=False, hidden=(8, 5)).start_affine(matrix, offset=0.0, gain=1.0)


def test_colors_are_grey_exactly_where_the_lr_image_is_and_free_where_it_is_colored() -> None:
    grey = GreySurroundings(threshold=0.05, reach=1)
    head = CGM(channels=5, per_side=2, skip_gain=0.5, hidden=[8], skip=True, skip_rule="bilinear", grey=grey)
    free = CGM(channels=5, per_side=2, skip_gain=0.5, hidden=[8], skip=True, skip_rule="bilinear", grey=None)
    free.load_state_dict(head.state_dict())
    lr = torch.rand(1, 1, 6, 9).expand(1, 3, 6, 9).clone()
    lr[..., :3] = torch.rand(1, 3, 6, 3)
    lr[0, 0, :, 2] = lr[0, 1, :, 2] + 0.1  # the last colored column, so that the next is not far from color
    features = torch.randn(1, 12 * 18, 5)
    colors, of_free = (each(features, lr).unflatten(1, (12, 18)) for each in (head, free))
    assert torch.equal(colors[:, :, :6], of_free[:, :, :6])
    greys = colors[:, :, 8:]  # from the fourth LR column on nothing within one pixel is colored, nor is the skip
    assert torch.equal(greys[..., :1].expand_as(greys), greys)
    assert (of_free[:, :, 8:].diff(dim=-1).abs() > 1e-3).any()
    assert head.reach == 1
