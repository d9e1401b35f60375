import numpy as np
from skimage.data import astronaut

from splatsr.data.degradation.held_out import held_out
from splatsr.data.evaluation_pairs import LowResolution
from splatsr.resize.levels import unrounded
from splatsr.resize.rules import pil

PHOTOGRAPH = np.ascontiguousarray(astronaut()[:90, 150:270])


def test_the_lr_image_belongs_to_the_pixels() -> None:
    low = held_out(PHOTOGRAPH, (30, 40))
    assert low.shape == (30, 40, 3)
    assert low.dtype == np.uint8
    assert np.array_equal(low, held_out(PHOTOGRAPH.copy(), (30, 40)))
    assert np.array_equal(low, held_out(unrounded(PHOTOGRAPH), (30, 40)))
    other = PHOTOGRAPH.copy()
    other[0, 0] += 1
    assert not np.array_equal(low, held_out(other, (30, 40)))


def test_it_is_worse_than_a_downscaling_but_the_same_picture() -> None:
    error = np.abs(held_out(PHOTOGRAPH, (30, 40)).astype(float) - pil(PHOTOGRAPH, (30, 40)))
    assert 2 < error.mean() < 15


def test_any_scale_can_be_made() -> None:
    assert held_out(PHOTOGRAPH, (90, 120)).shape == (90, 120, 3)
    assert held_out(PHOTOGRAPH, (1, 1)).shape == (1, 1, 3)
    low, high = LowResolution("camera", given=False, crop="liif").make(PHOTOGRAPH, 3.7)
    assert low.shape == (24, 32, 3)
    assert np.array_equal(low, held_out(np.ascontiguousarray(high), (24, 32)))
