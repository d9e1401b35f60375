from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.memory import COLOR, GREY
from splatsr.image_files.reading import image_size, read_image


@pytest.mark.parametrize(("mode", "each"), [("RGB", COLOR), ("LA", COLOR), ("P", COLOR), ("L", GREY), ("1", GREY)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_must_fit_into_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, each: int, suffix: str
) -> None:
    Image.new(mode, (30, 20)).save(tmp_path / f"a{suffix}")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=each * 20 * 30))
    read_image(tmp_path / f"a{suffix}")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=each * 20 * 30 - 1))
    with pytest.raises(InputError, match="is 30x20 pixels, which take about .* to decode, and"):
        read_image(tmp_path / f"a{suffix}")
    assert image_size(tmp_path / f"a{suffix}") == (20, 30)
