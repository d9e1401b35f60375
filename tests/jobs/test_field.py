from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from color_profiles import srgb
from composed import settings_of
from splatsr import GaussianField, InputError, load
from splatsr.image_files.reading import read_image
from splatsr.jobs import field as field_job
from splatsr.jobs.field import field
from splatsr.resize.levels import to_tensor


def run(file: Path | None, source: Path, target: Path, **wanted: object) -> None:
    settings = {
        "model": settings_of("model=bicubic")["model"],
        "device": "cpu",
        "precision": "auto",
        "bits": 16,
        "tile": "auto",
    }
    checkpoint = None if file is None else str(file)
    field(**{**settings, "checkpoint": checkpoint, "input": str(source), "output": str(target), **wanted})


@torch.inference_mode()
def field_of(checkpoint: Path, colors: np.ndarray) -> GaussianField:
    model = load(checkpoint)
    model.continue_images()
    return model(to_tensor(colors)[None])


@pytest.mark.parametrize(("tile", "bits"), [("auto", 16), (17, 16), (24, 12)])
def test_the_file_is_the_pictures_field(
    tiny_file: Path, photographs: Path, tmp_path: Path, tile: object, bits: int, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "a.splat"
    run(tiny_file, photographs / "0.png", target, tile=tile, bits=bits)
    assert "bytes a kernel) in" in capsys.readouterr().out
    loaded, expected = GaussianField.load(target), field_of(tiny_file, read_image(photographs / "0.png"))
    assert (loaded.size, loaded.margin, loaded.reference_scale) == ((60, 70), 4, expected.reference_scale)
    for name in ("means", "cholesky", "colors"):
        assert (getattr(loaded, name) - getattr(expected, name)).abs().max() < 1e-3
    assert [path.name for path in target.parent.iterdir()] == ["a.splat"]


def test_a_model_without_tiles_is_encoded_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(np.uint8)).save(tmp_path / "a.png")
    fitted = {"model": settings_of("model=gaussianimage", "model.fitting.steps=5")["model"]}
    run(None, tmp_path / "a.png", tmp_path / "a.splat", **fitted)
    assert GaussianField.load(tmp_path / "a.splat").size == (9, 12)


def test_what_a_field_has_no_place_for_is_said(tiny_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGBA", (12, 10), (90, 100, 110, 120)).save(tmp_path / "a.png", icc_profile=srgb())
    run(tiny_file, tmp_path / "a.png", tmp_path / "a.splat")
    said = capsys.readouterr().out
    assert "its alpha is dropped" in said
    assert "its color profile is dropped" in said


def test_grey_of_sixteen_bits_is_a_field_too(tiny_file: Path, tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 9 * 12).reshape(9, 12).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    run(tiny_file, tmp_path / "a.png", tmp_path / "a.splat")
    loaded, expected = GaussianField.load(tmp_path / "a.splat"), field_of(tiny_file, levels[..., None])
    assert (loaded.colors - expected.colors).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"input": None}, "needs input=<image>"),
        ({"input": ["a.png", "b.png"]}, "needs input=<image>"),
        ({"output": None}, "needs input=<image>"),
        ({"input": "."}, "is a folder"),
        ({"output": "."}, "is a folder"),
        ({"input": "none.png"}, "no such file"),
        ({"output": "a.safetensors"}, r"ends in \.splat; name it a\.splat"),
        ({"output": "there.splat"}, "exists already; nothing is overwritten"),
        ({"input": "there.splat"}, "there.splat"),
        ({"checkpoint": None}, "Bicubic makes no field of kernels"),
    ],
)
def test_what_cannot_be_is_refused_before_the_network_runs(
    tiny_file: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(field_job, "read_picture", None)
    Path("there.splat").write_bytes(b"something")
    with pytest.raises(InputError, match=said):
        run(tiny_file, photographs / "0.png", Path("a.splat"), **wanted)
    assert not Path("a.splat").exists()


def test_an_interrupted_run_leaves_no_half_file(
    tiny_file: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("splatsr.splat_files.writer._encoded", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_file, photographs / "0.png", tmp_path / "out" / "a.splat")
    assert list((tmp_path / "out").iterdir()) == []
