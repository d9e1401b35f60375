import pytest
import torch

from splatsr.encoders.hat import HAT
from splatsr.encoders.hat_rotary import RotaryHAT
from splatsr.encoders.rotary_positions import THETA, first_frequencies, grid_positions, phases, rotate
from splatsr.encoders.window_attention import RotaryWindowAttention

SIZES = {
    "channels": 24, "depths": [2], "heads": [2], "window": 4, "compress": 3, "squeeze": 6, "conv_scale": 0.01, "overlap": 0.5,
    "mlp_ratio": 2.0, "drop_path": 0.0, "upscale": 1, "out_channels": 8, "checkpointing": False,
}  # fmt: skip


def test_what_queries_and_keys_have_in_common_depends_on_the_way_between_them() -> None:
    t_x, t_y = grid_positions(4)
    angles = phases(first_frequencies(2, 8).double(), t_x.double(), t_y.double())
    one, other = torch.randn(2, 1, 2, 1, 8).double().expand(-1, -1, -1, 16, -1)
    products = (rotate(one, angles) @ rotate(other, angles).mT).unflatten(-1, (4, 4)).unflatten(-3, (4, 4))
    torch.testing.assert_close(products[..., 0, 1, 2, 3], products[..., 1, 0, 3, 2])  # two down and two to the right
    assert not torch.allclose(products[..., 0, 1, 2, 3], products[..., 0, 1, 3, 2])


def test_first_frequencies_are_pairs_at_right_angles_of_falling_magnitude() -> None:
    f_x, f_y = first_frequencies(3, 16)
    torch.testing.assert_close(torch.hypot(f_x, f_y), (THETA ** (-torch.arange(4) / 4)).repeat(2).expand(3, -1))
    torch.testing.assert_close((f_x * f_x.roll(4, 1) + f_y * f_y.roll(4, 1)).abs(), torch.zeros(3, 8), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="at least 4 channels"):
        first_frequencies(3, 3)


def test_channels_without_an_angle_stay() -> None:
    tokens = torch.randn(1, 2, 9, 7)
    turned = rotate(tokens, phases(first_frequencies(2, 7), *grid_positions(3)))
    assert torch.equal(turned[..., 4:], tokens[..., 4:])
    assert not torch.allclose(turned[..., :4], tokens[..., :4])


@torch.inference_mode()
def test_without_frequencies_rotary_windows_are_windows_without_a_bias() -> None:
    rotary, plain = RotaryHAT(**SIZES).eval(), HAT(**SIZES).eval()
    for layer in rotary.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=0.3)
    weights = {name: weight for name, weight in rotary.state_dict().items() if "rope" not in name}
    biases = {name: 0 * weight for name, weight in plain.state_dict().items() if "bias_table" in name}
    plain.load_state_dict(weights | biases)
    lr = torch.rand(2, 3, 9, 11)
    assert not torch.allclose(rotary(lr), plain(lr), atol=1e-4)
    for attention in rotary.modules():
        if hasattr(attention, "rope_freqs"):
            attention.rope_freqs.zero_()
    torch.testing.assert_close(rotary(lr), plain(lr))


@torch.inference_mode()
def test_rotary_windows_attend_across_no_seam() -> None:
    attention = RotaryWindowAttention(channels=8, heads=2, window=4, shift=2)
    grid = torch.randn(1, 8, 8, 8)
    changed = grid.clone()
    changed[:, 7] += 1  # of the bottom row, which shares shifted windows with the top one
    same = (attention(grid) == attention(changed)).all(-1)[0].all(-1)
    assert same[:6].all()
    assert not same[6:].any()
