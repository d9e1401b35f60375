import math

import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.image.tiling import Tiling, cut, seen


@pytest.mark.parametrize(
    ("length", "tile", "multiple"), [(100, 30, 1), (100, 30, 8), (7, 30, 16), (96, 32, 16), (1, 1, 1), (50, 4, 16)]
)
def test_tiles_cover_the_image_once_and_begin_at_multiples(length: int, tile: int, multiple: int) -> None:
    spans = cut((0, length), tile=tile, multiple=multiple)
    assert [pixel for first, end in spans for pixel in range(first, end)] == list(range(length))
    assert all(first % multiple == 0 for first, _ in spans)
    sizes = [end - first for first, end in spans]
    assert max(sizes) <= max(tile, multiple)
    assert max(sizes) - min(sizes[:-1] or sizes) <= multiple, "tiles are as equal as they can be"


def test_tiles_see_their_overlap_as_far_as_there_is_an_image() -> None:
    windows = Tiling(overlap=20, multiple=8, exact=False, reach=0)
    assert seen((32, 64), 200, windows) == (8, 88)
    assert seen((0, 16), 30, windows) == (0, 30)
    assert seen((40, 80), 100, Tiling(overlap=4.5, multiple=1, exact=True, reach=0)) == (35, 85)


@pytest.mark.parametrize("encoder", ["edsr_tiny", "edsr_baseline", "rdn"])
def test_the_overlap_is_what_the_network_sees(encoder: str) -> None:
    short = [f"model.encoder.{key}=2" for key in (["growth", "blocks", "layers"] if encoder == "rdn" else ["blocks"])]
    narrow = ["model.encoder.channels=4", "model.encoder.out_channels=6"]
    model = build(settings_of("model=continuoussr_tiny", f"model/encoder={encoder}", *short, *narrow)["model"])
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, 0.01, 0.03)  # nothing cancels and no ReLU closes
    margin = math.ceil(model.tiling.overlap)
    centre = margin + 2
    lr = torch.rand(1, 3, 2 * centre + 1, 2 * centre + 1, dtype=torch.float64, requires_grad=True)
    pixel = model.double().part(lr, rows=(centre, centre + 1), columns=(centre, centre + 1))
    (pixel.means.sum() + pixel.cholesky.sum() + pixel.colors.sum()).backward()
    y, x = lr.grad[0].abs().sum(0).nonzero().T
    assert (y - centre).abs().max() == (x - centre).abs().max() == margin


def test_nothing_of_a_pixel_shows_beyond_its_reach() -> None:
    model = build(settings_of("model=continuoussr_tiny", "model.encoder.channels=8", "model.encoder.blocks=1")["model"])
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=3.0)  # offsets and mixtures at their extremes
    field = model(torch.rand(1, 3, 9, 11))
    height = math.sqrt(2 * math.log(255)) * field.cholesky[..., 1:].norm(dim=-1)
    row = torch.arange(9).repeat_interleave(4 * 11)
    assert (row - (field.means[0, :, 1] - height[0])).max() <= model.tiling.reach
    assert (field.means[0, :, 1] + height[0] - (row + 1)).max() <= model.tiling.reach
