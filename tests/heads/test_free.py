import torch

from splatsr.heads.free import FreePositions


def test_every_kernel_can_be_anywhere_in_the_image() -> None:
    head = FreePositions(channels=3, per_side=2, hidden=[8])
    torch.nn.init.zeros_(head.mlp[-1].weight)
    torch.nn.init.zeros_(head.mlp[-1].bias)
    features = torch.randn(2, 40, 3)
    torch.testing.assert_close(head(features, (2, 5))[1, 3], torch.tensor([2.5, 1.0]))  # x then y
    head.mlp[-1].bias.data = torch.tensor([-99.0, 99.0])
    torch.testing.assert_close(head(features, (2, 5))[0, 7], torch.tensor([0.0, 2.0]))
