import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from splatsr.data.image_sequences import Images
from splatsr.data.sharded_images import ShardedImages
from splatsr.data.shards import Shards
from splatsr.errors import InputError
from splatsr.image_files.reading import read_image
from tiny_runs import make_archive


def load(archive: Path, *, smallest: int = 24, skip_damaged: bool = False) -> ShardedImages:
    return Shards(str(archive), root=None, cache=None, skip_damaged=skip_damaged).load(smallest=smallest)


def test_they_are_what_the_files_hold(photographs: Path) -> None:
    images = load(make_archive(photographs))
    assert isinstance(images, Images)
    assert len(images) == 3
    for image, file in zip(images, sorted(photographs.iterdir()), strict=True):
        assert np.array_equal(image, read_image(file))
    with pytest.raises(IndexError):
        images[3]


def test_damaged_and_small_ones_are_named_or_skipped(photographs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_archive(photographs)
    with tarfile.open(path, "a") as archive:
        (member := tarfile.TarInfo("folder/last.png")).size = 7
        archive.addfile(member, io.BytesIO(b"damaged"))
    images = load(path)
    with pytest.raises(InputError, match=rf"{path}, folder/last\.png is not an image.*data\.skip_damaged=true"):
        images[3]
    assert np.array_equal(load(path, skip_damaged=True)[3], images[0]), "the next one takes its place"
    with pytest.raises(InputError, match=rf"{path}, 0\.png: 70x60 pixels, smaller than the training crop of 61x61"):
        load(path, smallest=61)[0]
    with pytest.raises(InputError, match="none of the 4 photographs"):
        load(path, smallest=61, skip_damaged=True)[0]
