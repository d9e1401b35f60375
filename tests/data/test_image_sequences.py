from pathlib import Path

import numpy as np
import pytest

from splatsr.data.decoded import DecodedFolder
from splatsr.data.image_sequences import EncodedImages, Images, MappedImages
from splatsr.data.layouts import parts_in
from splatsr.errors import InputError
from splatsr.image_files.reading import read_image


def test_mapped_and_encoded_images_are_those_of_the_files(photographs: Path, tmp_path: Path) -> None:
    (part,) = parts_in(str(photographs), None)
    folder = DecodedFolder(part, tmp_path / "cache")
    for _ in folder.decode(smallest=1, skip_damaged=False):
        pass
    mapped, encoded = MappedImages([(folder, folder.read())] * 2), EncodedImages([*part.paths, *part.paths], skip_damaged=False)
    assert isinstance(mapped, Images)
    assert isinstance(encoded, Images)
    assert len(mapped) == len(encoded) == 6
    for index, path in enumerate([*part.paths, *part.paths]):
        assert np.array_equal(mapped[index], read_image(path))
        assert np.array_equal(encoded[index], mapped[index])
    for beyond in (6, -1):
        with pytest.raises(IndexError):
            mapped[beyond]


def test_a_file_whose_pixels_are_damaged_is_named_or_stood_in_for(photographs: Path) -> None:
    paths = sorted(photographs.iterdir())
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    with pytest.raises(InputError, match=r"1\.png is damaged"):
        EncodedImages(paths, skip_damaged=False)[1]
    images = EncodedImages(paths, skip_damaged=True)
    assert len(images) == 3
    assert np.array_equal(images[1], read_image(paths[2]))
    assert np.array_equal(images[-1], images[2])
    with pytest.raises(IndexError):
        images[3]
    for path in paths:
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="none of the 3 images"):
        images[0]
