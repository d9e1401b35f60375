import time
from pathlib import Path

import pytest

from splatsr.data.many_images import NAMED, check_damaged, check_smallest, decoded_bytes, read_all
from splatsr.errors import InputError
from splatsr.image_files.folder import Part


def test_results_come_in_order_whatever_takes_longest_and_refusals_are_texts() -> None:
    def read(path: Path) -> int:
        if path.name == "3":
            raise InputError("3 is damaged.")
        time.sleep(0.01 * (int(path.name) % 2))
        return int(path.name)

    paths = [Path(str(index)) for index in range(8)]
    assert list(read_all(read, paths)) == [0, 1, 2, "3 is damaged.", 4, 5, 6, 7]


def test_a_reader_that_stops_leaves_most_images_unread() -> None:
    read: list[Path] = []
    results = read_all(lambda path: read.append(path) or 0, (Path(str(index)) for index in range(1000)))
    next(results)
    results.close()
    assert len(read) < 10


def test_damaged_images_are_named_unless_they_are_skipped() -> None:
    check_damaged([(1, 1), (2, 2)], skip_damaged=False)
    check_damaged([(1, 1), "bad"], skip_damaged=True)
    with pytest.raises(InputError, match="2 of 2 images cannot be read"):
        check_damaged(["bad", "worse"], skip_damaged=True)
    with pytest.raises(InputError, match="^bad Mend or remove it"):
        check_damaged([(1, 1), "bad"], skip_damaged=False)
    with pytest.raises(InputError, match="and 2 more$"):
        check_damaged([f"{index} is bad." for index in range(NAMED + 2)], skip_damaged=False)


def test_the_first_image_smaller_than_the_crop_is_named() -> None:
    part = Part(Path("folder"), ("damaged.png", "large.png", "small.png"))
    check_smallest(part, ["damaged", (9, 8), (8, 12)], 8)
    with pytest.raises(InputError, match="folder/small.png is 12x7 pixels, smaller than the training crop of 8x8"):
        check_smallest(part, ["damaged", (9, 8), (7, 12)], 8)


def test_three_bytes_a_pixel() -> None:
    assert decoded_bytes([(2, 5), "damaged", (1, 1)]) == 33
