import numpy as np
import torch
from PIL import Image

from splatsr.models.bicubic import Bicubic
from splatsr.resize.levels import to_tensor


def test_it_is_what_pillow_makes_of_eight_bit_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3)).astype(np.uint8)
    lr = torch.stack([to_tensor(image) for image in pixels])
    big = Bicubic()(lr).render(scale=(3, 2.5))
    assert big.shape == (2, 3, 27, 18)
    for image, tensor in zip(pixels, big, strict=True):
        expected = np.asarray(Image.fromarray(image).resize((18, 27), Image.Resampling.BICUBIC))
        assert torch.equal(tensor, to_tensor(expected))


def test_a_constant_stays_constant() -> None:
    lr = torch.full((1, 3, 5, 6), 100 / 255)
    assert torch.equal(Bicubic()(lr).render(size=(17, 23)), torch.full((1, 3, 17, 23), 100 / 255))
