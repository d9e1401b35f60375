import numpy as np

from splatsr.data.drawings import SIDE, drawing


def test_a_drawing_is_the_same_every_time_and_no_other() -> None:
    drawn = [drawing(index) for index in range(10)]
    assert all(image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8 for image in drawn)
    assert np.array_equal(drawn[3], drawing(3))
    assert len({image.tobytes() for image in drawn}) == 10


def test_among_them_are_white_pages_grey_text_and_ramps() -> None:
    drawn = [drawing(index) for index in range(60)]
    white = [(image == 255).all(-1).mean() for image in drawn]
    assert sum(share > 0.9 for share in white) >= 5
    texts = drawn[0::5]
    grey = [image for image in texts if (image.max(-1) == image.min(-1)).all()]
    assert len(grey) >= 3
    ramps = drawn[3::5]
    assert all(len(np.unique(image.reshape(-1, 3), axis=0)) > 200 for image in ramps)
