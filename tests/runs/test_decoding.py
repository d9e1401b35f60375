from pathlib import Path

import pytest

from composed import settings_of
from splatsr.runs.configuration import instantiate
from splatsr.runs.decoding import amount, decode


def test_amounts_are_images_and_decoded_mebibytes() -> None:
    assert amount([(1024, 1024), "damaged"]) == "2 images, 3 MiB"


def test_what_is_decoded_once_is_not_decoded_again(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of("data=folder", f"data.train={photographs}", f"data.cache={tmp_path / 'cache'}", "data.test=null")
    data = instantiate(settings["data"], "data")
    data.prepare_data()
    decode(data, also_small=True, smallest=1)
    assert f"decoding 3 images, 0 MiB of {photographs}" in capsys.readouterr().out
    assert [folder.read() for source in data.sources() for folder in source.folders]
    decode(data, also_small=True, smallest=1)
    assert "decoding" not in capsys.readouterr().out
