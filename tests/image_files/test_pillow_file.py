from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatsr.errors import InputError
from splatsr.image_files.pillow_file import PillowFile
from splatsr.image_files.reading import image_size, read_image

RGB = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".avif"])
def test_of_an_animation_the_first_frame_is_read(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    frames = [Image.new("RGB", (32, 24), color) for color in ((250, 0, 0), (0, 250, 0))]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    assert PillowFile(tmp_path / f"a{suffix}").count == 2
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - (250, 0, 0)).max() <= 6
    assert f"a{suffix} has 2 frames: the first is used" in caplog.text


def test_a_second_picture_in_a_cameras_file_is_not_worth_a_word(tmp_path: Path) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[:8, :8])]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert PillowFile(tmp_path / "a.jpg").count == 1
    assert image_size(tmp_path / "a.jpg") == read_image(tmp_path / "a.jpg").shape[:2] == (24, 32)


@pytest.mark.parametrize("transfer", [8, 16, 18])
def test_hdr_pictures_are_refused(tmp_path: Path, transfer: int) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.avif")
    content = bytearray((tmp_path / "a.avif").read_bytes())
    content[content.index(b"colrnclx") + 11] = transfer
    (tmp_path / "a.avif").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.avif is an HDR picture"):
        read_image(tmp_path / "a.avif")


def test_sixteen_bits_of_others(tmp_path: Path) -> None:
    levels = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    Image.fromarray(levels).save(tmp_path / "a.jp2")
    (tmp_path / "a.pgm").write_bytes(b"P5 16 16 65535\n" + levels.astype(">u2").tobytes())
    for name in ("a.jp2", "a.pgm"):
        assert np.array_equal(read_image(tmp_path / name)[..., 0], levels // 257)


def test_floating_point_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"Pf 2 1 -1.0\n" + np.array([0, 0.5], "<f4").tobytes())
    with pytest.raises(InputError, match=r"a\.ppm holds numbers with fractions"):
        read_image(tmp_path / "a.ppm")


@pytest.mark.parametrize("bits", [1, 2, 4, 7, 8])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_white_is_white_in_a_jpeg_2000_of_few_bits(tmp_path: Path, bits: int, mode: str) -> None:
    levels = RGB[..., 0] >> (8 - bits)
    Image.fromarray(levels - 2 ** (bits - 1) + 128).convert(mode).save(tmp_path / "a.j2k", irreversible=False, mct=0)
    content = bytearray((tmp_path / "a.j2k").read_bytes())
    for component in range(len(mode)):  # the codestream holds differences from the middle: of any number of bits
        content[content.index(b"\xff\x51") + 40 + 3 * component] = bits - 1
    (tmp_path / "a.j2k").write_bytes(content)
    assert np.array_equal(read_image(tmp_path / "a.j2k")[..., 0], np.round(levels * (255 / (2**bits - 1))))


@pytest.mark.parametrize("mode", ["L", "P"])
def test_where_the_first_frame_of_a_gif_does_not_reach_nothing_is_drawn(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.gif"
    Image.new("L", (3, 2), 200).convert(mode).save(path)
    content = bytearray(path.read_bytes())
    content[6:10] = bytes([5, 0, 4, 0])  # the canvas: 5 x 4
    frame = content.index(b"\x2c", 13 + 3 * 2 ** ((content[10] & 7) + 1) if content[10] & 128 else 13)
    content[frame + 1 : frame + 5] = bytes([1, 0, 2, 0])  # where the frame lies on it
    path.write_bytes(content)
    file = PillowFile(path)
    samples = file.decode()
    assert not file.is_grey
    assert samples.alpha is not None
    assert np.array_equal(np.argwhere(samples.alpha), [(y, x) for y in (2, 3) for x in (1, 2, 3)])
    assert (samples.values[2:4, 1:4] == 200).all()
