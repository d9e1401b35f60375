import numpy as np
from skimage.data import astronaut

from splatsr.data.degradation.blur import GaussianBlur
from splatsr.resize.levels import unrounded

PHOTOGRAPH = np.ascontiguousarray(astronaut()[:96, 150:278])
SIZE = (24, 32)


def test_blur_spreads_a_point_to_the_asked_width() -> None:
    point = np.zeros((41, 51, 3), np.float32)
    point[20, 25] = 1
    blurred = GaussianBlur(sigma=[2, 2])(point, (41, 51), np.random.default_rng(0))[..., 0].astype(float)
    y, x = np.mgrid[0:41, 0:51]
    assert abs(blurred.sum() - 1) < 1e-5
    assert abs((blurred * (y - 20) ** 2).sum() - 4) < 0.05
    assert abs((blurred * (x - 25) ** 2).sum() - 4) < 0.05


def test_blur_leaves_an_image_that_is_too_small_or_a_sigma_of_nothing() -> None:
    assert np.array_equal(GaussianBlur(sigma=[0, 0])(PHOTOGRAPH, SIZE, np.random.default_rng(0)), unrounded(PHOTOGRAPH))
    tiny = PHOTOGRAPH[:2, :3]
    assert GaussianBlur(sigma=[20, 20])(tiny, (2, 3), np.random.default_rng(0)).shape == (2, 3, 3)
