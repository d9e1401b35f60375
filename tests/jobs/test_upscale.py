from pathlib import Path

import numpy as np
import pytest
import torch

from composed import settings_of
from splatsr import InputError, load
from splatsr.data.images import read_image, write_image
from splatsr.jobs.upscale import upscale
from splatsr.resize import to_tensor, to_uint8


def run(checkpoint: Path | None, source: Path, target: Path, **wanted: object) -> None:
    settings = {"model": settings_of("model=bicubic")["model"], "device": "cpu", "scale": None, "size": None, "tile": "auto"}
    checkpoint_name = None if checkpoint is None else str(checkpoint)
    upscale(**{**settings, "checkpoint": checkpoint_name, "input": str(source), "output": str(target), **wanted})


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        ({"scale": 3.7}, (222, 259)),
        ({"scale": [3, 2.5]}, (180, 175)),
        ({"size": [100, 50]}, (100, 50)),
        ({"scale": 0.5}, (30, 35)),
    ],
)
def test_one_image(tiny_file: Path, photographs: Path, tmp_path: Path, wanted: dict, size: tuple[int, int]) -> None:
    run(tiny_file, photographs / "0.png", tmp_path / "new" / "big.png", **wanted)
    image = read_image(tmp_path / "new" / "big.png")
    assert image.shape[:2] == size
    with torch.inference_mode():
        field = load(tiny_file)(to_tensor(read_image(photographs / "0.png"))[None])
        assert np.array_equal(image, to_uint8(field.render(**wanted)[0]))


def test_a_folder_in_a_folder_out(photographs: Path, tmp_path: Path) -> None:
    write_image(photographs / "deeper" / "3.jpg", np.zeros((9, 9, 3), np.uint8))
    run(None, photographs, tmp_path / "out", scale=2)
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert made == ["0.png", "1.png", "2.png", "deeper/3.jpg"]
    with pytest.raises(InputError, match="4 of 4 results exist already"):
        run(None, photographs, tmp_path / "out", scale=2)


def test_a_damaged_file_is_reported_and_the_rest_is_done(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photographs / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="1 of 3 images failed"):
        run(None, photographs, tmp_path / "out", scale=2)
    assert "1.png is not an image" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "2.png"]
