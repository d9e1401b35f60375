from pathlib import Path

import numpy as np
import pytest
import torch

from splat_fields import grid_field, photographs_field
from splatsr import GaussianField, InputError
from splatsr.image_files.reading import image_size, read_image
from splatsr.jobs.render import render
from splatsr.large_images import field_strips, strip_rows
from splatsr.resize.levels import to_uint8


def run(source: Path, target: Path, **wanted: object) -> None:
    settings = {"existing": None, "quality": None, "scale": None, "size": None, "fit": None, "window": None, "device": "cpu"}
    render(**{**settings, "input": str(source), "output": str(target), **wanted})


@pytest.fixture
def splat(tmp_path: Path) -> Path:
    photographs_field(16, 24).save(tmp_path / "a.splat")
    return tmp_path / "a.splat"


def levels_of(image: torch.Tensor) -> np.ndarray:
    return to_uint8(image[0]).astype(int)


@pytest.mark.parametrize("name", ["big.png", "big.tif", "big.bmp"])
@pytest.mark.parametrize("wanted", [{"scale": 3.7}, {"scale": [2, 5]}, {"size": [30, 80]}, {"scale": 0.5}])
def test_the_picture_is_the_fields(
    splat: Path, tmp_path: Path, wanted: dict, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip_rows, "STRIP_BYTES", 12 * 80 * 7)  # several strips
    monkeypatch.setattr(field_strips, "KERNELS", 1500)
    run(splat, tmp_path / "new" / name, **wanted)
    expected = levels_of(GaussianField.load(splat).render(**wanted))
    assert np.abs(read_image(tmp_path / "new" / name) - expected).max() <= 1


def test_fit_and_sides_that_follow(splat: Path, tmp_path: Path) -> None:
    run(splat, tmp_path / "fit.png", fit=[100, 60])
    run(splat, tmp_path / "wide.png", size=[None, 48])
    assert (image_size(tmp_path / "fit.png"), image_size(tmp_path / "wide.png")) == ((40, 60), (32, 48))


@pytest.mark.parametrize(
    ("wanted", "size"), [({"scale": 6}, (45, 60)), ({"size": [30, 40]}, (30, 40)), ({"fit": [9, 99]}, (9, 12))]
)
def test_a_window_is_rendered_alone(splat: Path, tmp_path: Path, wanted: dict, size: tuple[int, int]) -> None:
    run(splat, tmp_path / "part.png", window=[[2.5, 10], [4, 14]], **wanted)
    assert image_size(tmp_path / "part.png") == size
    expected = levels_of(GaussianField.load(splat).window((2.5, 10), (4, 14)).render(size=size))
    assert np.abs(read_image(tmp_path / "part.png") - expected).max() <= 1


def test_the_other_form_renders_too(splat: Path, tmp_path: Path) -> None:
    GaussianField.load(splat).save(tmp_path / "a.safetensors")
    run(tmp_path / "a.safetensors", tmp_path / "other.png", scale=2)
    run(splat, tmp_path / "one.png", scale=2)
    assert np.abs(read_image(tmp_path / "other.png").astype(int) - read_image(tmp_path / "one.png")).max() <= 1


def test_one_channel_is_grey(tmp_path: Path) -> None:
    grid_field(channels=1).save(tmp_path / "a.splat")
    run(tmp_path / "a.splat", tmp_path / "grey.png", scale=3)
    picture = read_image(tmp_path / "grey.png")
    assert picture.std() > 0
    assert (picture == picture[..., :1]).all()


def test_what_is_there_stays_unless_it_is_to_go(splat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(splat, tmp_path / "big.png", scale=2)
    with pytest.raises(InputError, match="exists already"):
        run(splat, tmp_path / "big.png", scale=3)
    with pytest.raises(InputError, match="is there already as 48x32"):
        run(splat, tmp_path / "big.png", scale=3, existing="skip")
    capsys.readouterr()
    run(splat, tmp_path / "big.png", scale=2, existing="skip")
    assert "is there already and is kept" in capsys.readouterr().out
    run(splat, tmp_path / "big.png", scale=3, existing="overwrite")
    assert image_size(tmp_path / "big.png") == (48, 72)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"input": None}, "needs input=<field>"),
        ({"input": ["a.splat"]}, "needs input=<field>"),
        ({"output": ["a.png"]}, "needs input=<field>"),
        ({"input": "none.splat"}, "no such file"),
        ({"input": "."}, "is a folder"),
        ({"output": "."}, "is a folder"),
        ({"output": "big.splat"}, r"cannot write \.splat"),
        ({"input": "batch.safetensors"}, "holds 2 images of 3 channels"),
        ({"input": "five.splat"}, "holds 1 images of 5 channels"),
        ({"input": "photo.png"}, "photo.png is a picture; job=render makes one of a field, and job=field a field of one"),
        ({"scale": None}, "give either size or scale or fit"),
        ({"size": [3, 4]}, "give either size or scale or fit"),
        ({"scale": 0.01}, "smaller than one pixel"),
        ({"scale": 10**6, "output": "big.jpg"}, "does not fit into a .jpg file"),
        ({"window": [[0, 17], [0, 5]]}, r"rows must be \(first, end\) in LR pixels"),
        ({"window": [[3, 3], [0, 5]]}, r"rows must be \(first, end\) in LR pixels"),
        ({"existing": "keep"}, "existing must be"),
    ],
)
def test_what_cannot_be_is_refused(
    splat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    two = GaussianField(torch.zeros(2, 1, 2), torch.ones(2, 1, 3), torch.ones(2, 1, 3), (1, 1))
    two.save("batch.safetensors")
    grid_field(channels=5).save("five.splat")
    Path("photo.png").write_bytes(b"no field")
    with pytest.raises(InputError, match=said):
        run(splat, Path("big.png"), **{"scale": 2, **wanted})
    assert not Path("big.png").exists()


def test_damage_that_shows_while_it_is_rendered_leaves_no_file(splat: Path, tmp_path: Path) -> None:
    content = bytearray(splat.read_bytes())
    content[-3] ^= 4
    splat.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        run(splat, tmp_path / "out" / "big.png", scale=2)
    assert list((tmp_path / "out").iterdir()) == []
