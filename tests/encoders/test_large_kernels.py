import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.encoders.large_kernels import LargeKernels


def encoder(**changes: object) -> LargeKernels:
    settings = {
        "channels": 8, "blocks": 2, "wide": 3, "kernel": 7, "upscale": 2, "out_channels": 8, "input_mean": 0.45, **changes
    }  # fmt: skip
    return LargeKernels(**settings)


@pytest.mark.parametrize("upscale", [1, 2, 3, 4, 6, 8])
def test_grid_is_upscale_times_as_fine(upscale: int) -> None:
    assert encoder(upscale=upscale)(torch.rand(2, 3, 5, 7)).shape == (2, 8, 5 * upscale, 7 * upscale)


@pytest.mark.parametrize("upscale", [1, 2, 6])
def test_carried_rgb_is_the_input_enlarged(upscale: int) -> None:
    made = encoder(upscale=upscale)
    matrix, offset = made.initialise_identity()
    lr = torch.rand(2, 3, 5, 7)
    rgb = torch.einsum("rc,bchw->brhw", matrix, made(lr)) + offset
    torch.testing.assert_close(rgb, lr.repeat_interleave(upscale, 2).repeat_interleave(upscale, 3))


def test_it_sees_as_far_as_its_tiling_says_and_no_further() -> None:
    torch.manual_seed(0)
    made, lr = encoder(upscale=1).double(), torch.rand(1, 3, 1, 41, dtype=torch.float64)
    far = 2 + 2 * (1 + 3)
    assert made.tiling is not None
    assert made.tiling.overlap == far
    features = made(lr)
    for offset, changes in ((far, True), (far + 1, False)):
        other = lr.clone()
        other[..., 20 + offset] = 0.0
        assert torch.equal(made(other)[..., 20], features[..., 20]) is not changes


def test_it_costs_what_the_tiny_one_of_plain_blocks_does() -> None:
    costs = []
    for name in ("edsr_tiny", "large_kernels_tiny"):
        made = build(settings_of(f"model/encoder={name}")["model"]).encoder
        with FlopCounterMode(display=False) as counter:
            made(torch.rand(1, 3, 16, 16))
        costs.append(counter.get_total_flops())
    assert costs[1] == pytest.approx(costs[0], rel=0.1)


@pytest.mark.parametrize(("changes", "message"), [({"wide": 9}, "at most channels"), ({"kernel": 8}, "must be odd")])
def test_impossible_kernels_are_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoder(**changes)
