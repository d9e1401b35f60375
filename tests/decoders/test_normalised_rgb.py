import torch

from splatsr.decoders.normalised_rgb import from_normalised, to_normalised


def test_black_is_minus_one_white_is_one_and_nothing_is_clamped() -> None:
    assert to_normalised(torch.tensor([0.0, 0.5, 1.0, 1.5])).tolist() == [-1, 0, 1, 2]
    assert from_normalised(torch.tensor([-1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0.5, 1, 1.5]
