from pathlib import Path

import numpy as np
import pytest

from splatsr.errors import InputError
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image
from splatsr.prior.crops import Chunks, Crops
from splatsr.resize.levels import to_tensor


def crops(folder: Path, *, count: int = 5, side: int = 16, seed: int = 0, skip_damaged: bool = False) -> Crops:
    return Crops(find_images(folder), count=count, side=side, seed=seed, skip_damaged=skip_damaged)


def test_more_crops_begin_with_the_same_ones_and_none_overlap(photographs: Path) -> None:
    many = crops(photographs, count=36)  # three photographs of 60x70 pixels: 3 x 4 crops each
    assert many.chosen[:5] == crops(photographs).chosen
    assert crops(photographs, seed=1).chosen != crops(photographs).chosen
    assert len(set(many.chosen)) == 36
    assert all(crop.top % 16 == crop.left % 16 == 0 and crop.top <= 44 and crop.left <= 54 for crop in many.chosen)


def test_every_chunk_belongs_to_one_process(photographs: Path) -> None:
    chosen = crops(photographs, count=9)
    shares = [Chunks(chosen, batch=2, rank=rank, ranks=2, done={2}) for rank in range(2)]
    assert [share.indices for share in shares] == [[0, 4], [1, 3]]
    last = shares[0][1]
    assert (last["index"], last["first"], len(last["crops"])) == (4, 8, 1)
    crop = last["crops"][0]
    pixels = read_image(crop.photograph)[crop.top : crop.top + 16, crop.left : crop.left + 16]
    assert np.array_equal(last["images"][0], to_tensor(pixels))
    idle = Chunks(chosen, batch=2, rank=0, ranks=1, done=set(range(5)))
    assert (len(idle), idle[0]) == (1, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 37}, "3 photographs hold 36 crops of 16x16 pixels, and prior.crops asks for 37"),
        ({"side": 61}, r"crops of 61x61 pixels are larger than every photograph \(the largest is 70x60\)"),
        ({"count": 0}, "prior.crops must be a whole number"),
        ({"side": 0}, "prior.side must be a whole number"),
    ],
)
def test_what_photographs_cannot_give_is_told(photographs: Path, wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        crops(photographs, **wrong)


def test_smaller_photographs_are_passed_over_and_damaged_ones_named(photographs: Path) -> None:
    write_image(photographs / "small.png", np.zeros((8, 8, 3), np.uint8))
    assert len(crops(photographs, count=36)) == 36
    (photographs / "1.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"1\.png is not an image"):
        crops(photographs)
    assert len(crops(photographs, count=24, skip_damaged=True)) == 24
