import pytest
import torch
from torch import nn

from splatsr.encoders.window_transformer import ResidualGroup, WindowTransformer, convolve, drop_rates


class Recording(nn.Module):
    """Passes a grid on and keeps its shape."""

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        self.shape = tuple(grid.shape)
        return grid


def test_paths_are_dropped_linearly_more_often() -> None:
    assert list(drop_rates(0.2, 5)) == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert list(drop_rates(0.2, 1)) == [0]


def test_a_channels_first_layer_runs_on_a_channels_last_grid() -> None:
    layer, grid = nn.Conv2d(3, 3, 3, padding=1), torch.randn(2, 4, 6, 3)
    torch.testing.assert_close(convolve(layer, grid).movedim(-1, 1), layer(grid.movedim(-1, 1)))


def test_a_group_adds_to_what_it_is_given() -> None:
    group, grid = ResidualGroup(channels=3, blocks=[], overlap_attn=None, checkpointing=False), torch.randn(1, 4, 6, 3)
    torch.testing.assert_close(group(grid), grid + convolve(group.conv, grid))
    nn.init.zeros_(group.conv.weight)
    nn.init.zeros_(group.conv.bias)
    assert torch.equal(group(grid), grid)


def test_the_body_sees_multiples_of_the_window_and_the_features_are_cropped() -> None:
    body = Recording()
    encoder = WindowTransformer(channels=6, groups=[body], size_multiple=4, upscale=2, out_channels=6, has_head=True)
    assert encoder(torch.rand(2, 3, 5, 8)).shape == (2, 6, 10, 16)
    assert body.shape == (2, 8, 8, 6)
    assert encoder.tiling.multiple == 4
    assert not encoder.tiling.exact


@torch.no_grad()
def test_the_identity_initialisation_needs_a_pair_of_channels_for_each_color() -> None:
    encoder = WindowTransformer(channels=6, groups=[], size_multiple=4, upscale=2, out_channels=5, has_head=True)
    with pytest.raises(ValueError, match="at least 6 out_channels"):
        encoder.initialise_identity()
