import torch
from torch import nn

from splatsr.encoders.identity_initialisation import repeat_through_shuffles, set_first_outputs
from splatsr.encoders.pixel_shuffle import pixel_shuffles


@torch.no_grad()
def test_first_outputs_are_the_matrix_and_the_others_stay() -> None:
    conv, x = nn.Conv2d(4, 5, 3, padding=1), torch.rand(1, 4, 3, 6)
    before = conv(x)
    set_first_outputs(conv, torch.tensor([[1.0, 0, 2.0], [0, -1.0, 0]]))
    after = conv(x)
    torch.testing.assert_close(after[:, 0], x[:, 0] + 2 * x[:, 2])
    torch.testing.assert_close(after[:, 1], -x[:, 1])
    assert torch.equal(after[:, 2:], before[:, 2:])


@torch.no_grad()
def test_shuffles_repeat_the_first_channels() -> None:
    stages, x = pixel_shuffles(channels=7, out_channels=5, upscale=6), torch.rand(1, 7, 2, 3)
    repeat_through_shuffles(stages, 3)
    torch.testing.assert_close(stages(x)[:, :3], x[:, :3].repeat_interleave(6, 2).repeat_interleave(6, 3))
