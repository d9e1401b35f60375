import torch

from splatsr.heads.regressed import RegressedShapes


def test_without_a_dictionary_shapes_have_no_limit() -> None:
    head = RegressedShapes(channels=3, embedding=8, hidden=[8])
    torch.nn.init.constant_(head.mlp[-1].bias, 50.0)
    rows = head(torch.randn(2, 3, 4, 5))
    assert rows.shape == (2, 20, 3)
    assert (rows > 40).all()


def test_every_kernel_can_start_as_a_circle_of_one_pixel() -> None:
    head = RegressedShapes(channels=3, embedding=8, hidden=[8])
    head.start_at_mean_row()
    torch.testing.assert_close(head(torch.randn(1, 3, 4, 5))[0, 7], torch.tensor([1.0, 0.0, 1.0]))
