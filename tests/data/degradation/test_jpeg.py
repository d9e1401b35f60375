from io import BytesIO

import numpy as np
from PIL import Image
from skimage.data import astronaut

from splatsr.data.degradation.jpeg import Jpeg

PHOTOGRAPH = np.ascontiguousarray(astronaut()[:96, 150:278])
SIZE = (24, 32)


def test_jpeg_is_what_a_file_of_that_quality_holds() -> None:
    file = BytesIO()
    Image.fromarray(PHOTOGRAPH).save(file, "JPEG", quality=30)
    expected = np.asarray(Image.open(file))
    assert np.array_equal(Jpeg(quality=[30, 30])(PHOTOGRAPH, SIZE, np.random.default_rng(0)), expected)
