from pathlib import Path

import numpy as np
import pytest

from splatsr.errors import InputError
from splatsr.image_files.formats import WRITTEN
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", sorted(WRITTEN))
def test_every_suffix_that_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    flat = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    write_image(tmp_path / f"a{suffix}", flat)
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - flat).max() <= 4


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write .xyz"):
        write_image(tmp_path / "a.xyz", RGB)
    with pytest.raises(TypeError):
        write_image(tmp_path / "b.png", RGB.astype(np.complex64).view(np.complex64))
    assert list(tmp_path.iterdir()) == []
