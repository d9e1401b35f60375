import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from png_chunks import SIGNATURE, chunk, write_png
from splatsr.errors import InputError
from splatsr.image_files.picture import read_picture
from splatsr.image_files.samples import eight_bits, samples_of

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
ALPHA = np.random.default_rng(1).integers(1, 256, (6, 8)).astype(np.uint8)


def test_sixteen_bits_are_rounded_to_eight() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(512, 128)
    assert np.array_equal(eight_bits(every), np.round(every / 257).astype(np.uint8))
    assert eight_bits(RGB) is RGB


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"])
def test_every_mode_is_what_pillow_makes_of_it(mode: str) -> None:
    image = Image.fromarray(np.dstack([RGB, ALPHA]))
    for step in {"La": ("LA",), "PA": ("LA",), "RGBa": (), "RGBX": ("RGB",)}.get(mode, () if mode == "RGBA" else ("RGB",)):
        image = image.convert(step)
    image = image.convert(mode)
    samples = samples_of(image, "a")
    if mode != "CMYK":
        made = np.broadcast_to(samples.values, (6, 8, 3))
        straight = image.convert({"La": "LA", "RGBa": "RGBA"}.get(mode, mode))
        assert np.array_equal(made, np.asarray(straight.convert("RGB")))
    has_alpha = mode in ("LA", "La", "PA", "RGBA", "RGBa")
    assert np.array_equal(samples.alpha, straight.convert("RGBA").getchannel("A")) if has_alpha else samples.alpha is None


@pytest.mark.parametrize("mode", ["F", "I", "HSV"])
def test_other_modes_are_refused_by_name(mode: str) -> None:
    with pytest.raises(InputError, match="a holds|a has pixels of a kind"):
        samples_of(Image.new(mode, (2, 2)), "a")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_color(tmp_path: Path, depth: type, channels: int) -> None:
    pixels = RGB[..., :channels].astype(depth) * (257 if depth == np.uint16 else 1)
    key = struct.pack(f">{channels}H", *pixels[2, 3])
    write_png(tmp_path / "a.png", pixels, before=chunk(b"tRNS", key))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.colors, pixels)
    assert np.array_equal(picture.alpha == 0, (pixels == pixels[2, 3]).all(-1))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_spread_over_the_whole_range(tmp_path: Path, bits: int) -> None:
    packed = int("".join(f"{level % 2**bits:0{bits}b}" for level in range(16)), 2).to_bytes(2 * bits, "big")
    header = struct.pack(">IIBBBBB", 16, 1, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" + packed)), chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(SIGNATURE + b"".join(parts))
    expected = [round(255 * (level % 2**bits) / (2**bits - 1)) for level in range(16)]
    assert read_picture(tmp_path / "a.png").colors[0, :, 0].tolist() == expected
