import pytest
import torch
from torch import Tensor

from splatsr.geometry import cell_corners
from splatsr.heads.flat_pixels import FlatPixels, Merged, in_blocks
from splatsr.splatting import splat


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


class Given(FlatPixels):
    """Flat where it is told."""

    def __init__(self, flat: Tensor) -> None:
        super().__init__(threshold=0.1, reach=0)
        self.flat = flat

    def forward(self, _: Tensor) -> Tensor:
        return self.flat


def drawn(size: tuple[int, int], per_side: int, merged: Merged | None, scale: int = 6) -> Tensor:
    """An image of one color, 0.7: kernels in the middle of their cells, as wide as the published mean."""
    corners = cell_corners(*size, per_side)
    means = (corners + 0.5 / per_side)[None]
    cholesky = torch.tensor([0.55, 0.0, 0.55]).div(per_side).expand(1, len(corners), 3)
    colors = torch.full((1, len(corners), 3), 0.7 / (2 * torch.pi * 0.55**2))
    if merged is not None:
        means, cholesky, colors = merged.applied(means, cholesky, colors, corners)
    image = splat(scale * means, scale * cholesky, colors, (scale * size[0], scale * size[1]))
    return image[..., 3 * scale : -3 * scale, 3 * scale : -3 * scale]  # without the border, which wide kernels reach across


@pytest.mark.parametrize("per_side", [2, 3])
def test_seams_between_wide_and_narrow_kernels_do_not_show(per_side: int) -> None:
    flat = torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(1)) > 0.5
    flat = flat.repeat_interleave(4, 1).repeat_interleave(4, 2)
    merged = Given(flat).merged(torch.zeros(1, 3, 16, 20), per_side, 0.55 / per_side)
    plain = drawn((16, 20), per_side, None)
    assert (drawn((16, 20), per_side, merged) - plain).abs().max() < 0.035 * 0.7
    beside_each_other = merged._replace(share=torch.where(merged.empty | (merged.share == 0), 0.0, 1.0))
    assert (drawn((16, 20), per_side, beside_each_other) - plain).abs().max() > 0.2 * 0.7


def test_a_flat_image_has_one_kernel_per_pixel_away_from_its_border() -> None:
    merged = FlatPixels(threshold=0.01, reach=2).merged(torch.full((1, 3, 12, 12), 0.3), 2, 0.27)
    inside = (~merged.empty).view(12, 2, 12, 2)[3:-3, :, 3:-3]
    assert inside.sum() == 6 * 6
    assert (merged.share[merged.wide] == 1).all()


def test_single_flat_pixels_are_left_alone() -> None:
    flat = torch.zeros(1, 6, 7)
    flat[0, 1] = 1
    flat[0, 3:5, 2:5] = 1
    expected = flat.clone()
    expected[0, 1] = 0
    assert torch.equal(in_blocks(flat)[:, 0], expected)


def test_parts_of_an_image_are_merged_as_the_whole() -> None:
    rule, lr = (
        FlatPixels(threshold=0.3, reach=1),
        torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(0)).repeat_interleave(5, 2).repeat_interleave(5, 3),
    )
    whole = [part.view(1, 50, 60) for part in rule.merged(lr, 2, 0.27)[:3]]
    part = [part.view(1, 50, 30) for part in rule.merged(lr[..., :15], 2, 0.27)[:3]]
    inner = 2 * (15 - rule.sees)
    for ours, all_of_it in zip(part, whole, strict=True):
        torch.testing.assert_close(ours[..., :inner], all_of_it[..., :inner])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (2, 2)])
def test_the_smallest_images_are_merged_or_left_alone(size: tuple[int, int]) -> None:
    merged = FlatPixels(threshold=0.1, reach=2).merged(torch.full((1, 3, *size), 0.4), 2, 0.27)
    assert merged.wide.sum() == (4 if size == (2, 2) else 0)
    assert merged.share.shape == (1, 4 * size[0] * size[1])
