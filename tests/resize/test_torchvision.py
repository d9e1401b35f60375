import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

from splatsr.resize.torchvision import resize_torchvision

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 84, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(20, 28), (17, 31), (80, 90)])
def test_the_torchvision_rule_is_torchvisions(size: tuple[int, int]) -> None:
    tensor = torch.from_numpy(IMAGE).permute(2, 0, 1)
    theirs = resize(tensor, list(size), InterpolationMode.BICUBIC, antialias=True)
    assert np.array_equal(resize_torchvision(IMAGE, size), theirs.permute(1, 2, 0).numpy())
