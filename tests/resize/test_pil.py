import numpy as np
import pytest

from splatsr.resize.matlab import resize_matlab
from splatsr.resize.pil import resize_bicubic, resize_rows

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 84, 3)).astype(np.uint8)


def test_pil_is_the_same_kernel_width_first() -> None:
    """In the interior PIL's 8-bit bicubic is MATLAB's with the passes exchanged."""
    ours = resize_matlab(np.ascontiguousarray(IMAGE.transpose(1, 0, 2)), (28, 20), border="replicate").transpose(1, 0, 2)
    assert np.array_equal(resize_bicubic(IMAGE, (20, 28))[4:-4, 4:-4], ours[4:-4, 4:-4])


@pytest.mark.parametrize("size", [(30, 42), (120, 168), (15, 90)])
def test_rows_are_those_of_the_whole(size: tuple[int, int]) -> None:
    whole, middle = resize_bicubic(IMAGE, size), size[0] // 2
    assert np.array_equal(np.concatenate([resize_rows(IMAGE, size, rows) for rows in ((0, middle), (middle, size[0]))]), whole)
    grey = np.ascontiguousarray(IMAGE[..., 0])
    assert np.array_equal(resize_rows(grey, size, (2, middle)), whole[2:middle, :, 0])
