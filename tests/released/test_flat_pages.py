"""What every model in the box does to a page without anything on it."""

import numpy as np
import pytest

import splatsr
from splatsr.released.catalogue import catalogue


@pytest.mark.parametrize("name", catalogue())
@pytest.mark.parametrize("scale", [2, 4, 6])
def test_a_white_page_stays_white_up_to_its_corners(name: str, scale: float) -> None:
    page = splatsr.upscale(np.full((20, 24, 3), 255, np.uint8), scale=scale, model=name)
    assert page.min() == 255
