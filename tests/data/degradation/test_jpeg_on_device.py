import numpy as np
import torch
from skimage.data import astronaut

from splatsr.data.degradation.jpeg_on_device import approximated, jpeg
from splatsr.resize.levels import to_tensor

IMAGES = [to_tensor(np.ascontiguousarray(astronaut()[top : top + 48, 150:214])) for top in (0, 90)]


def test_a_lower_quality_loses_more() -> None:
    for codec in (jpeg, approximated):
        errors = [(codec(IMAGES[:1], [quality])[0] - IMAGES[0]).pow(2).mean().item() for quality in (95, 60, 30, 10)]
        assert errors == sorted(errors)
        assert errors[0] < 0.1 * errors[-1]


def test_the_approximation_is_near_the_real_codec() -> None:
    real, approximate = jpeg(IMAGES, [40, 80]), approximated(IMAGES, [40, 80])
    for one, other, image in zip(real, approximate, IMAGES, strict=True):
        assert (one - other).abs().mean() < 0.4 * (one - image).abs().mean()


def test_every_image_has_its_own_quality_and_size() -> None:
    images = [IMAGES[0], IMAGES[1][:, :21, :7]]
    for codec in (jpeg, approximated):
        together = codec(images, [90, 20])
        assert [tuple(one.shape) for one in together] == [(3, 48, 64), (3, 21, 7)]
        for image, quality, one in zip(images, (90, 20), together, strict=True):
            torch.testing.assert_close(one, codec([image], [quality])[0], atol=1e-5, rtol=0)
            assert one.dtype == torch.float32
            assert 0 <= one.min() <= one.max() <= 1


def test_values_outside_are_clipped_first() -> None:
    image = 3 * IMAGES[0] - 1
    for codec in (jpeg, approximated):
        assert torch.equal(codec([image], [50])[0], codec([image.clamp(0, 1)], [50])[0])
