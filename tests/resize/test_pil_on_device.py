import numpy as np
import pytest
import torch

from splatsr.resize.pil import resize_bicubic
from splatsr.resize.pil_on_device import resize_squares


@pytest.mark.parametrize("side", [1, 5, 48, 97, 256])
def test_levels_are_pillows(side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    images = np.concatenate([noise, (noise > 127).astype(np.uint8) * 255])
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    for made in {*range(1, 60, 7), side // 4, side // 3, side - 1, side, side + 1} - {0}:
        found = resize_squares(tensor, made)
        assert found.dtype == torch.uint8
        for one, image in zip(found, images, strict=True):
            assert np.array_equal(one.permute(1, 2, 0).numpy(), resize_bicubic(image, (made, made))), made
