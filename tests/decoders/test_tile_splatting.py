import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from splatsr.decoders.tile_splatting import TileSplatting
from splatsr.errors import InputError
from splatsr.geometry import Output, resolve_output

PUBLISHED = {"tile": 7, "kernel": 5, "extent": 5.0, "clamp": True}


def gaussians(batch: int, height: int, width: int) -> Tensor:
    """Sigmas of 0.2 to 3, opacities around 1, correlations within 0.6."""
    low, high = torch.tensor([[0.2, 0.2, 0.5, -0.6], [3.0, 3.0, 1.5, 0.6]]).double()[..., None, None]
    return low + (high - low) * torch.rand(batch, 4, height, width, dtype=torch.float64)


def by_definition(features: Tensor, chosen: Tensor, size: tuple[int, int], scale: tuple[float, float]) -> Tensor:
    """The published steps one by one: a kernel for every position in the tile, moved there by a tent, summed tile by tile."""
    rows, columns = (math.ceil(side / 7) for side in features.shape[-2:])
    stretched, params = (
        interpolate(grid, size=(7 * rows, 7 * columns), mode="bicubic", align_corners=False) for grid in (features, chosen)
    )
    tall, wide = (round(7 * factor) for factor in scale)
    whole = features.new_zeros(*features.shape[:2], tall * rows, wide * columns)
    u = torch.tensor([-5, -2.5, 0, 2.5, 5]).double()
    for a in range(7):
        for b in range(7):
            sigma_x, sigma_y, opacity, rho = params[:, :, a::7, b::7].mean((0, 2, 3))
            covariance = torch.stack([sigma_x**2 + 1e-5, *[rho * sigma_x * sigma_y] * 2, sigma_y**2 + 1e-5]).view(2, 2)
            points = torch.cartesian_prod(u, u)
            kernel = (-0.5 * ((points @ covariance.inverse()) * points).sum(-1)).exp().view(5, 5)
            moved = _tent(tall, a) @ kernel @ _tent(wide, b).T
            for row in range(rows):
                for column in range(columns):
                    color = opacity * stretched[:, :, 7 * row + a, 7 * column + b, None, None]
                    area = (..., slice(tall * row, tall * (row + 1)), slice(wide * column, wide * (column + 1)))
                    whole[area] += color * moved
    return interpolate(whole.clamp(0, 1), size=size, mode="bicubic", align_corners=False)


def _tent(side: int, position: int) -> Tensor:
    """(side, 5): how output pixel r reads a kernel, at r + (side - 1) / 2 (1 - 2 position / 7) of the padded one."""
    looked_at = torch.arange(side).double() + (side - 1) / 2 * (1 - 2 * position / 7)
    kernel_rows = (side - 5) // 2 + torch.arange(5).double()
    return (1 - (looked_at[:, None] - kernel_rows).abs()).clamp(min=0)


@pytest.mark.parametrize(("lr_size", "scale"), [((7, 14), 2), ((9, 20), 2.6), ((8, 7), (4, 1.5))])
def test_values_and_gradients_are_those_of_the_published_steps(lr_size: tuple[int, int], scale: float) -> None:
    features, chosen = torch.randn(2, 3, *lr_size, dtype=torch.float64, requires_grad=True), gaussians(2, *lr_size)
    chosen.requires_grad_()
    output = resolve_output(lr_size, scale=scale)
    splatting = TileSplatting(**PUBLISHED)
    ours = splatting(features, splatting.prepare(chosen), output, (0, output.size[0]))
    theirs = by_definition(features, chosen, output.size, output.scale)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    upstream = torch.randn_like(ours)
    for one, other in zip(*(torch.autograd.grad(y, (features, chosen), upstream) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-8, rtol=1e-6)


def test_rows_are_those_of_the_whole() -> None:
    splatting, features, chosen = TileSplatting(**PUBLISHED), torch.rand(1, 2, 7, 9).double(), gaussians(1, 7, 9)
    output = Output((21, 27), (3.0, 3.0))
    whole = splatting(features, splatting.prepare(chosen), output, (0, 21))
    assert torch.equal(splatting(features, splatting.prepare(chosen), output, (4, 9)), whole[:, :, 4:9])


def test_beyond_x3_some_pixels_are_reached_by_no_kernel() -> None:
    """The published kernels have 5 pixels at any scale: 14 % of a tile is empty at x4, half of it at x8."""
    splatting = TileSplatting(**PUBLISHED)
    table = splatting.prepare(gaussians(1, 7, 7))[0]
    empty = {scale: (splatting.kernels(table, (7 * scale,) * 2).sum(0) == 0).double().mean() for scale in (3, 4, 8)}
    torch.testing.assert_close(list(empty.values()), [torch.tensor(x).double() for x in (0, 0.14, 0.51)], atol=0.01, rtol=0)


def test_scales_that_leave_no_room_for_a_kernel_are_refused_and_too_correlated_ones_show() -> None:
    splatting = TileSplatting(**PUBLISHED)
    with pytest.raises(InputError, match=r"at least 0\.71"):
        splatting.kernels(torch.ones(4, 7, 7), (4, 9))
    assert splatting.kernels(torch.full((4, 7, 7), 1.5), (14, 14)).isnan().any(), "|rho| over 1, as published"
