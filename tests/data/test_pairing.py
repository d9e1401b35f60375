from pathlib import Path

import numpy as np
import pytest

from splatsr.data.pairing import Reordered, pair_by_name
from splatsr.errors import InputError


@pytest.mark.parametrize(
    ("hr", "lr"),
    [
        ("baby.png", "babyx2.png"),
        ("0801.png", "0801x4.png"),
        ("baby.png", "baby.bmp"),
        ("img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png"),
        ("norain-1.png", "norain-1x2.png"),
        ("norain-001.png", "rain-001.png"),
        ("photo_1024x768.png", "photo_1024x768x3.png"),
        ("rainbow.png", "rainbow.png"),
    ],
)
def test_names_of_the_data_sets(hr: str, lr: str) -> None:
    assert pair_by_name([Path(hr)], [Path("other.png"), Path(lr)]) == [Path(lr)]


def test_partners_come_in_the_order_of_hr() -> None:
    hr = [Path(f"norain-{index}.png") for index in (1, 2, 10)]
    lr = [Path(f"rain/norain-{index}x2.png") for index in (10, 2, 1)]
    assert pair_by_name(hr, lr) == lr[::-1]


def test_missing_and_double_partners_are_named() -> None:
    with pytest.raises(InputError, match=r"b\.png has no partner of the same name in lr \(1 of 2 have none\)"):
        pair_by_name([Path("a.png"), Path("b.png")], [Path("lr/a.png")])
    with pytest.raises(InputError, match=r"ax2\.png and a\.png both belong to a"):
        pair_by_name([Path("a.png")], [Path("a.png"), Path("ax2.png")])


def test_reordered() -> None:
    images = [np.full((1, 1, 3), level, np.uint8) for level in (5, 6, 7)]
    assert [image.max() for image in Reordered(images, [2, 0])] == [7, 5]
