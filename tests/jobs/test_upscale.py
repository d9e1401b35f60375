import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from color_profiles import srgb
from composed import settings_of
from splatsr import GaussianField, InputError, load
from splatsr.image_files.picture import Extras, read_picture
from splatsr.image_files.reading import image_size, read_image
from splatsr.image_files.strip_files import Layout, write_strips
from splatsr.image_files.writing import write_image
from splatsr.jobs import upscale as upscale_job
from splatsr.jobs.upscale import upscale
from splatsr.large_images import room
from splatsr.resize.levels import to_tensor, to_uint8


def run(checkpoint: Path | None, source: Path, target: Path, **wanted: object) -> None:
    settings = {
        "model": settings_of("model=bicubic")["model"],
        "device": "cpu",
        "precision": "auto",
        "scale": None,
        "size": None,
        "fit": None,
        "tile": "auto",
        "existing": None,
        "format": None,
        "suffix": None,
        "quality": None,
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
        ({"size": [None, 140]}, (120, 140)),
    ],
)
def test_one_image(tiny_file: Path, photographs: Path, tmp_path: Path, wanted: dict, size: tuple[int, int]) -> None:
    run(tiny_file, photographs / "0.png", tmp_path / "new" / "big.png", **wanted)
    image = read_image(tmp_path / "new" / "big.png")
    assert image.shape[:2] == size
    with torch.inference_mode():
        field = load(tiny_file)(to_tensor(read_image(photographs / "0.png"))[None])
        rendered = field.render(**({"size": size} if "size" in wanted else wanted))
        assert np.abs(image.astype(int) - to_uint8(rendered[0])).max() <= 1


def test_a_folder_in_a_folder_out(photographs: Path, tmp_path: Path) -> None:
    write_image(photographs / "deeper" / "3.jpg", np.zeros((9, 9, 3), np.uint8))
    run(None, photographs, tmp_path / "out", scale=2)
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert made == ["0.png", "1.png", "2.png", "deeper/3.jpg"]
    with pytest.raises(InputError, match="4 of 4 results exist already"):
        run(None, photographs, tmp_path / "out", scale=2, existing="refuse")


def test_a_list_of_images_becomes_a_list_or_a_folder(photographs: Path, tmp_path: Path) -> None:
    sources = [str(photographs / name) for name in ("0.png", "2.png")]
    targets = [str(tmp_path / name) for name in ("a.png", "new/b.jpg")]
    run(None, photographs, tmp_path, input=sources, output=targets, fit=[30, 999])
    assert [image_size(path) for path in targets] == [(30, 35), (30, 35)]
    run(None, photographs, tmp_path, input=sources, output=str(tmp_path / "folder"), scale=2)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["0.png", "2.png"]
    for wrong in (targets[:1], [targets[0], targets[0]], [sources[1], targets[0]]):
        with pytest.raises(InputError):
            run(None, photographs, tmp_path, input=sources, output=wrong, scale=2)
    with pytest.raises(InputError, match="only goes with a list as input"):
        run(None, photographs, tmp_path, output=targets, scale=2)


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
        assert big.colors.shape == (75, 50, 3)
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
    tiny_file: Path, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_file, photographs / "0.png", tmp_path / "whole.png", scale=3)
    assert "%" not in capsys.readouterr().out
    monkeypatch.setattr("splatsr.runs.progress.INTERVAL", 0.0)
    run(tiny_file, photographs / "0.png", tmp_path / "tiled.png", scale=3, tile=20)
    assert "upscaling 0.png: 20 % after" in capsys.readouterr().out
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


def test_a_folder_goes_on_where_it_stopped(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(None, photographs, tmp_path / "out", scale=2)
    first = (tmp_path / "out" / "0.png").stat().st_mtime_ns
    (tmp_path / "out" / "1.png").unlink()
    write_image(tmp_path / "out" / "2.png", np.zeros((9, 9, 3), np.uint8))
    leftover = tmp_path / "out" / f"1.webp.{socket.gethostname()}-{2**22 + 1}-0.partial"
    leftover.touch()
    capsys.readouterr()
    with pytest.raises(InputError, match="1 of 3 images failed"):
        run(None, photographs, tmp_path / "out", scale=2)
    captured = capsys.readouterr()
    assert "1 of 3 results are there already and are kept" in captured.out
    assert "2.png is there already as 9x9, not 140x120; existing=overwrite replaces it" in captured.err
    assert (tmp_path / "out" / "0.png").stat().st_mtime_ns == first
    assert read_image(tmp_path / "out" / "1.png").shape == (120, 140, 3)
    assert not leftover.exists()
    run(None, photographs, tmp_path / "out", scale=2, existing="overwrite")
    assert read_image(tmp_path / "out" / "2.png").shape == (120, 140, 3)


def test_one_image_that_is_there_is_refused_kept_or_replaced(photographs: Path, tmp_path: Path) -> None:
    target = tmp_path / "big.png"
    run(None, photographs / "0.png", target, scale=2)
    with pytest.raises(InputError, match=r"big\.png exists already"):
        run(None, photographs / "0.png", target, scale=2)
    run(None, photographs / "0.png", target, scale=2, existing="skip")
    with pytest.raises(InputError, match="is there already as 140x120"):
        run(None, photographs / "0.png", target, scale=3, existing="skip")
    run(None, photographs / "0.png", target, scale=3, existing="overwrite")
    assert read_image(target).shape == (180, 210, 3)
    with pytest.raises(InputError, match="existing must be refuse, skip, overwrite or null; got yes"):
        run(None, photographs / "0.png", target, scale=3, existing="yes")


@pytest.mark.parametrize(
    "wanted", [{"scale": -1}, {"scale": 2, "existing": "no"}, {"scale": 2, "checkpoint": "absent.safetensors"}]
)
def test_a_refused_command_makes_no_folder(photographs: Path, tmp_path: Path, wanted: dict) -> None:
    wanted = {"checkpoint": None, **wanted}
    with pytest.raises(InputError):
        run(wanted.pop("checkpoint"), photographs, tmp_path / "new" / "out", **wanted)
    assert not (tmp_path / "new").exists()


def test_names_are_printed_as_they_are(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["[red] :smile: 1.png", os.fsdecode(b"\xe9.png"), "a\nb.png"]
    for name in names:
        (photographs / "0.png").rename(photographs / name)
        write_image(photographs / "0.png", np.zeros((9, 9, 3), np.uint8))
    run(None, photographs, tmp_path / "out", scale=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "->" in line]
    assert len(lines) == 6
    for shown in ("[red] :smile: 1.png", r"\udce9.png", r"a\nb.png"):
        assert any(f"/{shown} (" in line for line in lines)
    assert set(names) < {path.name for path in (tmp_path / "out").iterdir()}


def test_exifs_sizes_are_the_results(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA002: 30, 0xA003: 20, 0x9003: "2020:02:03 04:05:06"})
    Image.new("RGB", (30, 20)).save(tmp_path / "photo.jpg", exif=exif)
    for name in ("big.jpg", "big.png", "big.tif"):
        run(None, tmp_path / "photo.jpg", tmp_path / name, scale=2.5)
        with Image.open(tmp_path / name) as big:
            kept = big.getexif().get_ifd(0x8769)
        assert (kept[0xA002], kept[0xA003], kept[0x9003]) == (75, 50, "2020:02:03 04:05:06")


def test_results_that_another_command_makes_meanwhile_are_kept(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(path: Path, *arguments: Any, **more: Any) -> None:
        write_strips(path, *arguments, **more)  # the other command's
        once = path.read_bytes()
        with pytest.raises(InputError, match="exists already"):
            write_strips(path, *arguments, **more)
        assert path.read_bytes() == once
        raise InputError(f"{path} exists already.")

    monkeypatch.setattr("splatsr.jobs.upscale.write_strips", overtaken)
    with pytest.raises(InputError, match="exists already"):
        run(None, photographs / "0.png", tmp_path / "refused.png", scale=2, existing="refuse")
    run(None, photographs, tmp_path / "out", scale=2)
    assert capsys.readouterr().out.count("has been made by another command meanwhile and is kept") == 3


def test_a_pipe_is_no_output(photographs: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for existing in ("skip", "overwrite"):
        with pytest.raises(InputError, match=r"pipe\.png is a pipe, socket or device"):
            run(None, photographs / "0.png", tmp_path / "pipe.png", scale=2, existing=existing)


def wide(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_picture_stays_of_its_kind(tiny_file: Path, tmp_path: Path, name: str, channels: int, bits: int) -> None:
    pixels = wide(9, 12, channels) if bits == 16 else (wide(9, 12, channels) >> 8).astype(np.uint8)
    write_strips(tmp_path / name, [pixels], Layout((9, 12), channels, bits), Extras(None, Image.Exif()))
    run(tiny_file, tmp_path / name, tmp_path / f"big_{name}", scale=2.5)
    before, after = read_picture(tmp_path / name), read_picture(tmp_path / f"big_{name}")
    assert after.kind == before.kind
    assert after.colors.shape[:2] == (22, 30)
    if bits == 16:
        assert len(np.unique(after.colors)) > 256, "more levels than 8 bits have"


def test_a_white_disc_on_nothing_has_no_dark_fringe(tiny_file: Path, tmp_path: Path) -> None:
    y, x = np.mgrid[0:40, 0:40]
    alpha = (255 * np.clip(12.5 - np.hypot(y - 19.5, x - 19.5), 0, 1)).astype(np.uint8)
    disc = np.dstack([np.where(alpha > 0, 255, 0)] * 3 + [alpha]).astype(np.uint8)
    Image.fromarray(disc).save(tmp_path / "disc.png")
    Image.fromarray(np.full((40, 40, 3), 255, np.uint8)).save(tmp_path / "page.png")
    for name in ("disc", "page"):
        run(tiny_file, tmp_path / f"{name}.png", tmp_path / f"big_{name}.png", scale=4)
    big, page = read_picture(tmp_path / "big_disc.png"), read_picture(tmp_path / "big_page.png")
    assert np.array_equal(big.colors, page.colors), "what is seen of the disc is white, as the page is"
    assert np.array_equal(np.unique(big.alpha), np.arange(256)) or big.alpha.max() == 255


def test_what_cannot_be_kept_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(wide(9, 12)).save(tmp_path / "grey16.png")
    Image.fromarray((wide(9, 12, 3) >> 8).astype(np.uint8)).quantize(16).save(tmp_path / "palette.png")
    Image.fromarray((wide(9, 12, 3) >> 8).astype(np.uint8)).convert("CMYK").save(tmp_path / "inks.jpg")
    run(None, tmp_path / "grey16.png", tmp_path / "big.jpg", scale=2)
    run(None, tmp_path / "palette.png", tmp_path / "big.png", scale=2)
    run(None, tmp_path / "inks.jpg", tmp_path / "big_inks.jpg", scale=2)
    said = capsys.readouterr().out
    assert "grey16.png: its 16 bits become 8, .jpg files are written with 8" in said
    assert "palette.png holds a palette; its enlargement is 8-bit RGB" in said
    assert "inks.jpg holds CMYK; its enlargement is 8-bit RGB" in said


def test_a_size_that_distorts_is_said(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(None, photographs / "0.png", tmp_path / "a.png", size=[60, 140])
    assert "70x60 becomes 140x60, x2 as wide and x1 as high: that distorts it" in capsys.readouterr().out
    run(None, photographs / "0.png", tmp_path / "b.png", size=[51, 60])
    run(None, photographs / "0.png", tmp_path / "c.png", scale=[1, 3])
    assert "distorts it" not in capsys.readouterr().out


def test_format_suffix_and_quality_of_a_folders_results(photographs: Path, tmp_path: Path) -> None:
    for quality in (40, None):
        run(None, photographs, tmp_path / f"{quality}", scale=2, format="jpg", suffix="_big", quality=quality)
    assert sorted(path.name for path in (tmp_path / "40").iterdir()) == ["0_big.jpg", "1_big.jpg", "2_big.jpg"]
    assert (tmp_path / "40" / "0_big.jpg").stat().st_size < (tmp_path / "None" / "0_big.jpg").stat().st_size
    with pytest.raises(InputError, match="the only result here is named already"):
        run(None, photographs / "0.png", tmp_path / "a.png", scale=2, format="jpg")
    with pytest.raises(InputError, match="format must be one of"):
        run(None, photographs, tmp_path / "new", scale=2, format="gif")
    assert not (tmp_path / "new").exists()


def test_what_a_picture_needs_as_a_whole_is_known_before_it_is_decoded(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.psutil, "virtual_memory", lambda: SimpleNamespace(available=40 * 35 * 30 - 1))
    monkeypatch.setattr(upscale_job, "read_picture", None)
    with pytest.raises(InputError, match=r"0.png: an output of .* of memory"):
        run(None, photographs / "0.png", tmp_path / "big.png", scale=2)
