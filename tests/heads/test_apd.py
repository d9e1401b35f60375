import pytest
import torch

from splatsr.heads.apd import APD


def test_offsets_are_x_then_y_and_no_larger_than_their_range() -> None:
    head = APD(channels=3, per_side=2, hidden=[8], offset_range=0.75)
    torch.nn.init.zeros_(head.mlp[-1].weight)
    head.mlp[-1].bias.data = torch.tensor([99.0, 0.0])  # saturates tanh along x only
    means = head(torch.randn(2, 4 * 2 * 3, 3), (2, 3))  # 2 x 3 LR pixels: a swapped axis shows
    torch.testing.assert_close(means[1, 0], torch.tensor([0.75, 0.0]))
    torch.testing.assert_close(means[1, -1], torch.tensor([2.5 + 0.75, 1.5]))


def test_images_of_a_batch_do_not_interact() -> None:
    head, features = APD(channels=3, per_side=1, hidden=[8], offset_range=1.0), torch.randn(2, 6, 3)
    torch.testing.assert_close(head(features, (2, 3))[1:], head(features[1:], (2, 3)))


@pytest.mark.parametrize(("per_side", "offset_range", "expected"), [(1, 1.0, 0.5), (2, 0.5, 0.25), (1, 0.25, 0.2475)])
def test_kernels_start_at_the_centre_of_their_cell_or_as_near_as_they_can(
    per_side: int, offset_range: float, expected: float
) -> None:
    head = APD(channels=3, per_side=per_side, hidden=[8], offset_range=offset_range)
    head.start_centred()
    first = head(torch.randn(1, per_side**2, 3), (1, 1))[0, 0]
    torch.testing.assert_close(first, torch.tensor([expected, expected]))


@pytest.mark.parametrize("offset_range", [0, -1.0, float("inf"), float("nan")])
def test_a_range_that_means_another_head_is_refused(offset_range: float) -> None:
    with pytest.raises(ValueError, match=r"model/positions=anchors.*model/positions=free"):
        APD(channels=3, per_side=1, hidden=[8], offset_range=offset_range)
