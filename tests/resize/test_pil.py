import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

from splatsr.resize.matlab import resize_matlab
from splatsr.resize.pil import eight_bit, resize_bicubic, resize_torchvision, to_tensor, to_uint8, unrounded

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 84, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(20, 28), (17, 31), (80, 90)])
def test_the_torchvision_rule_is_torchvisions(size: tuple[int, int]) -> None:
    tensor = torch.from_numpy(IMAGE).permute(2, 0, 1)
    theirs = resize(tensor, list(size), InterpolationMode.BICUBIC, antialias=True)
    assert np.array_equal(resize_torchvision(IMAGE, size), theirs.permute(1, 2, 0).numpy())


def test_pil_is_the_same_kernel_width_first() -> None:
    """In the interior PIL's 8-bit bicubic is MATLAB's with the passes exchanged."""
    ours = resize_matlab(np.ascontiguousarray(IMAGE.transpose(1, 0, 2)), (28, 20), border="replicate").transpose(1, 0, 2)
    assert np.array_equal(resize_bicubic(IMAGE, (20, 28))[4:-4, 4:-4], ours[4:-4, 4:-4])


def test_levels_and_values_go_over_into_each_other() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    assert np.array_equal(eight_bit(unrounded(levels)), levels)
    assert np.array_equal(to_uint8(to_tensor(levels)), levels)
    assert torch.equal(to_tensor(unrounded(levels)), to_tensor(levels))
    assert eight_bit(np.float32([[[-0.1, 1.2, 0.5 / 255]]])).tolist() == [[[0, 255, 1]]]
