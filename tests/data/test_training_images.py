import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from splatsr.data import many_images, training_images
from splatsr.data.image_sequences import EncodedImages, MappedImages
from splatsr.data.training_images import TrainingImages
from splatsr.errors import InputError
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image


def load(folder: Path, cache: Path | None, *, skip_damaged: bool = False, smallest: int = 24) -> Sequence[np.ndarray]:
    source = TrainingImages(str(folder), root=None, cache=None if cache is None else str(cache), skip_damaged=skip_damaged)
    return source.load(smallest=smallest)


def assert_images(images, folder: Path) -> None:
    assert len(images) == 3
    for index in range(3):
        assert np.array_equal(images[index], read_image(folder / f"{index}.png"))


def test_a_small_set_is_kept_in_memory_and_leaves_nothing(photographs: Path, tmp_path: Path) -> None:
    images = load(photographs, tmp_path / "cache")
    assert isinstance(images, list)
    assert_images(images, photographs)
    assert not (tmp_path / "cache").exists()


def test_a_large_set_is_decoded_once(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_images, "IN_MEMORY", 20_000)
    images = load(photographs, tmp_path / "cache")
    assert isinstance(images, MappedImages)
    assert_images(images, photographs)
    monkeypatch.setattr("splatsr.data.decoded.read_image", lambda path: pytest.fail(f"{path} was decoded again"))
    assert_images(load(photographs, tmp_path / "cache"), photographs)
    with pytest.raises(InputError, match="smaller than the training crop of 64x64"):
        load(photographs, tmp_path / "cache", smallest=64)


def test_without_a_cache_every_access_decodes(photographs: Path) -> None:
    images = load(photographs, None)
    assert isinstance(images, EncodedImages)
    assert_images(images, photographs)


@pytest.mark.parametrize("cached", [True, False])
def test_damaged_images_are_named_or_skipped(photographs: Path, tmp_path: Path, cached: bool) -> None:
    (photographs / "letter.png").write_text("Dear reviewer")
    cache = tmp_path / "cache" if cached else None
    with pytest.raises(InputError, match=r"letter\.png is not an image.*data.skip_damaged=true"):
        load(photographs, cache)
    assert_images(load(photographs, cache, skip_damaged=True), photographs)


def test_every_header_is_read_once(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = many_images.read_all

    def read_all(read, paths):
        return original(lambda path: (seen.append((read.__name__, path.name)), read(path))[1], paths)

    monkeypatch.setattr(training_images, "read_all", read_all)
    monkeypatch.setattr("splatsr.data.decoded.read_all", read_all)
    load(photographs, tmp_path / "cache")
    once = [(kind, f"{index}.png") for kind in ("image_size", "read_image") for index in range(3)]
    assert sorted(seen) == once


def test_a_hopeless_amount_is_refused_before_anything_is_decoded(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(4):
        write_image(photographs / f"part{index}/a.png", np.zeros((30, 30, 3), np.uint8))
    monkeypatch.setattr(training_images, "IN_MEMORY", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50_000))
    with pytest.raises(InputError, match=r"7 images, decoded, need about .* train on fewer folders"):
        load(photographs, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("paths", [[], (), ""])
def test_no_folder_at_all_is_refused(paths: Any) -> None:
    with pytest.raises(InputError, match="names no folder"):
        TrainingImages(paths, root=None, cache=None, skip_damaged=False)
