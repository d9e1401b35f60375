from pathlib import Path
from typing import Any

import pytest

from splatsr import InputError
from splatsr.commands.upscale import upscale
from splatsr.image_files.reading import image_size


@pytest.fixture(autouse=True)
def here(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Works in the folder with three pictures of 60x70 pixels."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # as the command sets it, for this test alone
    monkeypatch.chdir(photographs)
    return photographs


def test_a_picture_becomes_one_beside_you(here: Path) -> None:
    upscale(["0.png", "--scale", "1.5"])
    assert image_size(here / "0_x1.5.png") == (90, 105)


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (["--scale", "3x2"], (120, 210)),
        (["--size", "50x40"], (40, 50)),
        (["--width", "35"], (30, 35)),
        (["--height", "120"], (120, 140)),
        (["--fit", "1000x30"], (30, 35)),
    ],
)
def test_every_way_to_say_how_large(here: Path, wanted: list[str], size: tuple[int, int]) -> None:
    upscale(["0.png", *wanted, "--model", "bicubic", "-o", "big.png"])
    assert image_size(here / "big.png") == size


def test_several_pictures_of_different_sizes_get_a_size_each(here: Path, tmp_path: Path) -> None:
    upscale(["0.png", "--size", "30x40", "--model", "bicubic", "-o", "small.png"])
    upscale(["?.png", "small.png", "--fit", "80x80", "--model", "bicubic", "-o", f"{tmp_path}/new"])
    made = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in made] == [f"{name}_fit80x80.png" for name in ("0", "1", "2", "small")]
    assert [image_size(path) for path in made] == [(69, 80), (69, 80), (69, 80), (80, 60)]


def test_one_that_fails_leaves_the_others_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="1 of 4 images failed"):
        upscale(["*.png", "--scale", "2", "--model", "bicubic", "-o", "new"])
    assert "broken.png" in capsys.readouterr().err
    assert len(list((here / "new").iterdir())) == 3


def test_what_is_there_is_kept_or_replaced_as_asked(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once = ["0.png", "--scale", "2", "--model", "bicubic"]
    upscale(once)
    with pytest.raises(InputError, match=r"0_x2\.png exists already: choose another output with -o, or use --existing"):
        upscale(once)
    upscale([*once, "--existing", "skip"])
    assert "is there already and is kept" in capsys.readouterr().out
    upscale([*once, "--existing", "overwrite"])
    with pytest.raises(InputError, match=r"0\.png is the picture itself"):
        upscale([*once, "-o", "0.png", "--existing", "overwrite"])


def test_settings_in_messages_of_the_job_are_written_as_options(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise InputError("set existing=skip or device=cpu, or give checkpoint=<file>.")

    monkeypatch.setattr("splatsr.jobs.upscale.upscale", refuse)
    with pytest.raises(InputError, match="set --existing skip or --device cpu, or give --model <file>"):
        upscale(["0.png", "--scale", "2"])


@pytest.mark.parametrize("tile", ["0", "big", "1.5"])
def test_a_tile_is_a_whole_number(tile: str) -> None:
    with pytest.raises(InputError, match="--tile"):
        upscale(["0.png", "--scale", "2", "--tile", tile])


def test_format_quality_and_suffix(here: Path) -> None:
    often = ["--scale", "2", "--model", "bicubic"]
    upscale(["0.png", *often, "--format", "jpg", "--quality", "40"])
    upscale(["0.png", *often, "--format", "jpg", "--suffix", "_big"])
    assert (here / "0_x2.jpg").stat().st_size < (here / "0_big.jpg").stat().st_size
    upscale([".", *often, "-o", "../new", "--format", "webp", "--suffix", "_big"])
    assert "1_big.webp" in {path.name for path in (here.parent / "new").iterdir()}
    for wrong in (
        ["--quality", "0"],
        ["--quality", "best"],
        ["--format", "gif"],
        ["--suffix", "a/b"],
        ["-o", "a.png", "--format", "jpg"],
    ):
        with pytest.raises(InputError, match="--quality|format|--suffix"):
            upscale(["1.png", *often, *wrong])
