from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from color_profiles import srgb
from composed import settings_of
from splatsr import GaussianField, InputError, load
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image
from splatsr.jobs.upscale import upscale
from splatsr.resize.levels import to_tensor, to_uint8


def run(checkpoint: Path | None, source: Path, target: Path, **wanted: object) -> None:
    settings = {
        "model": settings_of("model=bicubic")["model"],
        "device": "cpu",
        "scale": None,
        "size": None,
        "tile": "auto",
        "existing": None,
    }
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
        run(None, photographs, tmp_path / "out", scale=2, existing="refuse")


def test_alpha_profile_and_exif_survive(tiny_file: Path, tmp_path: Path) -> None:
    profile = srgb()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    alpha = np.linspace(0, 255, 20 * 30).reshape(20, 30, 1).astype(np.uint8)
    photo = Image.fromarray(np.concatenate([np.full((20, 30, 3), 90, np.uint8), alpha], 2))
    photo.save(tmp_path / "photo.png", icc_profile=profile, exif=exif)
    for name in ("big.png", "big.tif", "big.webp"):
        run(tiny_file, tmp_path / "photo.png", tmp_path / name, scale=2.5)
        big = read_picture(tmp_path / name)
        assert big.rgb.shape == (75, 50, 3)
        upright = Image.fromarray(np.rot90(alpha[..., 0], -1))
        assert np.abs(big.alpha.astype(int) - np.asarray(upright.resize((50, 75), Image.Resampling.BICUBIC))).max() <= 1
        assert big.extras.icc_profile == profile
        assert big.extras.exif[0x010F].strip("\0") == "Maker"
        assert 0x0112 not in big.extras.exif


def test_alpha_is_said_to_be_dropped_where_the_format_has_none(
    tiny_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGBA", (20, 10), (90, 100, 110, 120)).save(tmp_path / "photo.png")
    run(tiny_file, tmp_path / "photo.png", tmp_path / "big.jpg", scale=2)
    assert "its alpha is dropped, .jpg files have none" in capsys.readouterr().out
    with Image.open(tmp_path / "big.jpg") as big:
        assert big.mode == "RGB"


def test_small_tiles_change_nothing_and_tell_how_far_they_are(
    tiny_file: Path, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tiny_file, photographs / "0.png", tmp_path / "whole.png", scale=3)
    assert "%" not in capsys.readouterr().out
    run(tiny_file, photographs / "0.png", tmp_path / "tiled.png", scale=3, tile=20)
    assert "upscaling 0.png: 50 % after" in capsys.readouterr().out
    difference = read_image(tmp_path / "whole.png").astype(int) - read_image(tmp_path / "tiled.png")
    assert np.abs(difference).max() <= 1


def test_an_interrupted_run_leaves_no_half_file(
    tiny_file: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(GaussianField, "render_strip", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_file, photographs, tmp_path / "out", scale=2)
    assert list((tmp_path / "out").iterdir()) == []


def test_sides_beyond_a_format_are_refused_before_anything_runs(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"70000x60 pixels does not fit into a \.jpg file"):
        run(None, photographs / "0.png", tmp_path / "big.jpg", size=[60, 70000])
    assert not (tmp_path / "big.jpg").exists()


def test_a_damaged_file_is_reported_and_the_rest_is_done(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photographs / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="1 of 3 images failed"):
        run(None, photographs, tmp_path / "out", scale=2)
    assert "1.png is not an image" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "2.png"]
