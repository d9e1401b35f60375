import io
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from object_stores import StatusError, Store
from splatsr.data.image_sequences import Images
from splatsr.data.location import UnreachableError
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


@pytest.mark.parametrize("skip_damaged", [False, True])
def test_a_store_that_fails_does_not_choose_the_photographs(
    store: type[Store], photographs: Path, skip_damaged: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.open(photographs / "0.png").save(photographs / "0.jpg")
    (photographs / "0.png").unlink()
    fsspec.filesystem("store").pipe_file("store://a.tar", (path := make_archive(photographs)).read_bytes())
    images = Shards("store://a.tar", root=None, cache=None, skip_damaged=skip_damaged).load(smallest=24)
    looks = (lambda: images[0], lambda: images.jpeg(0))
    wanted = load(path)[0], (photographs / "0.jpg").read_bytes()
    for look, want in zip(looks, wanted, strict=True):
        store.failures = [StatusError(503, "Busy")] * 3
        assert np.array_equal(look(), want)
        for cause in (StatusError(503, "Busy"), TimeoutError(), PermissionError(13, "Permission denied"), FileNotFoundError()):
            store.failures = [cause] * 4
            with pytest.raises(UnreachableError, match=r"^store://a\.tar(?!.*skip_damaged)"):
                look()
        store.failures, store.whole = [], True
        with pytest.raises(UnreachableError, match="its server must serve ranges"):
            look()
        store.whole = False
    assert "skipped" not in capfd.readouterr().err
