import sys
from pathlib import Path

import numpy as np
import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image
from splatsr.jobs.prepare import prepare
from splatsr.runs.command_line import main
from tiny_runs import make_archive


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with DF2K's folders below datasets/, three images in each."""
    for folder in ("DIV2K/DIV2K_train_HR", "Flickr2K/Flickr2K_HR", "DIV2K/DIV2K_valid_HR"):
        for index in range(3):
            image = np.random.default_rng(index).integers(0, 256, (40, 50, 3)).astype(np.uint8)
            write_image(tmp_path / "datasets" / folder / f"{index}.png", image)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    return main()


def test_folders_are_decoded_once_and_shared_between_data_sets(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "job=prepare", "data=div2k") == 0
    printed = capsys.readouterr().out
    assert "decoding 3 images, 0 MiB of datasets/DIV2K/DIV2K_train_HR into datasets/decoded/DIV2K_train_HR-" in printed
    (pixels,) = (home / "datasets/decoded").glob("*/pixels.u8")
    assert pixels.stat().st_size == 3 * 3 * 40 * 50
    assert run(monkeypatch, "job=prepare", "data=df2k") == 0
    printed = capsys.readouterr().out
    assert "decoding 3 images, 0 MiB of datasets/Flickr2K/Flickr2K_HR" in printed
    assert "decoding 3 images, 0 MiB of datasets/DIV2K" not in printed
    assert printed.count(", decoded") == 2


@pytest.mark.parametrize(
    ("settings", "printed"),
    [
        (("data=folder",), "nothing to train on"),
        (("data=div2k", "data.cache=null"), "there is nothing to prepare"),
        (("data=sa1b",), "datasets lacks SA-1B"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_cannot_be_prepared(settings: tuple[str, ...], printed: str) -> None:
    with pytest.raises(InputError, match=printed):
        prepare(data=settings_of(*settings)["data"])


def test_a_damaged_file_stops_it_unless_it_is_to_be_skipped(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "datasets/DIV2K/DIV2K_train_HR/1.png").write_bytes(b"broken")
    data = settings_of("data=div2k")["data"]
    with pytest.raises(InputError, match=r"1\.png is not an image"):
        prepare(data=data)
    assert [folder.suffix for folder in (home / "datasets/decoded").glob("*/")] == [".partial"]
    prepare(data={**data, "skip_damaged": True})
    assert ": 2 images, 0 MiB, decoded, 1 skipped" in capsys.readouterr().out


def test_damage_in_one_folder_leaves_the_others_decoded(home: Path) -> None:
    (home / "datasets/DIV2K/DIV2K_train_HR/1.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"1\.png is not an image"):
        prepare(data=settings_of("data=df2k")["data"])
    (whole,) = (home / "datasets/decoded").glob("Flickr2K_HR-*/pixels.u8")
    assert whole.stat().st_size == 3 * 3 * 40 * 50


def test_archives_get_an_index(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    archive = make_archive(home / "datasets/Flickr2K/Flickr2K_HR")
    for _ in range(2):
        assert run(monkeypatch, "job=prepare", "data=shards", f"data.train={archive}", "data.cache=kept") == 0
        assert f"{archive}: 3 photographs" in capsys.readouterr().out
    (kept,) = home.glob("kept/**/*.*")
    assert kept.suffix == ".npy"
