import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from color_profiles import srgb
from png_chunks import SIGNATURE, chunk, write_png
from splatsr.errors import InputError
from splatsr.image_files.picture import read_picture
from splatsr.image_files.png_file import PngFile
from splatsr.image_files.reading import image_size, read_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

COMPRESSED_TEXT = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3 * 2**20)))

BESIDE = {
    "text of three MiB": COMPRESSED_TEXT,
    "XMP of three MiB": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(3 * 2**20))),
    "a hundred texts": COMPRESSED_TEXT * 100,
    "text that does not inflate": chunk(b"zTXt", b"Comment\0\0broken"),
    "XMP that does not inflate": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0broken"),
    "XMP cut short": chunk(b"iTXt", b"XML:com.adobe.xmp\0"),
    "a wrong checksum": COMPRESSED_TEXT[:-4] + b"oops",
    "EXIF that is none": chunk(b"eXIf", b"broken"),
    "EXIF cut short": chunk(b"eXIf", b"MM\0\x2a\0\0\0\x08\0\x05\x01\x12"),
    "ImageMagick's EXIF, broken": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 4\nzz\n"),
    "a profile that does not inflate": chunk(b"iCCP", b"name\0\0broken"),
    "a profile that is none": chunk(b"iCCP", b"name\0\0" + zlib.compress(b"no profile")),
    "an empty profile": chunk(b"iCCP", b""),
    "a gamma cut short": chunk(b"gAMA", b"\0"),
    "chromaticities cut short": chunk(b"cHRM", b"\0\0"),
    "chromaticities of nothing": chunk(b"cHRM", bytes(32)),
    "chromaticities on a line": chunk(b"cHRM", struct.pack(">8I", *(8 * [33_000]))),
    "a gamma of nothing": chunk(b"gAMA", bytes(4)),
    "a gamma beyond sense": chunk(b"gAMA", b"\0\0\0\1"),
    "a broken animation": chunk(b"acTL", b""),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_nothing_beside_the_pixels_keeps_them_from_being_read(tmp_path: Path, beside: str) -> None:
    write_png(tmp_path / "a.png", RGB, before=BESIDE[beside])
    assert image_size(tmp_path / "a.png") == (6, 8)
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.colors, RGB)
    assert picture.extras.icc_profile is None
    assert len(picture.extras.exif) == 0


def test_a_profile_of_more_than_a_mebibyte_is_kept(tmp_path: Path) -> None:
    profile = srgb() + bytes(2**21)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    write_png(tmp_path / "a.png", RGB, before=chunk(b"iCCP", b"name\0\0" + zlib.compress(profile)))
    assert read_picture(tmp_path / "a.png").extras.icc_profile == profile


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_read_whole(tmp_path: Path, channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 65536, (6, 8, channels)).astype(np.uint16)
    write_png(tmp_path / "a.png", pixels)
    samples = PngFile(tmp_path / "a.png").decode()
    colors = channels if channels % 2 else channels - 1
    assert np.array_equal(samples.values, pixels[..., :colors])
    assert samples.alpha is None if channels % 2 else np.array_equal(samples.alpha, pixels[..., -1])
    rounded = np.round(pixels[..., :colors] / 257).astype(np.uint8)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.broadcast_to(rounded, (6, 8, 3)))


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def test_a_gamma_other_than_srgbs_is_applied_where_no_profile_says_otherwise(tmp_path: Path) -> None:
    def read(before: bytes) -> np.ndarray:
        write_png(tmp_path / "a.png", RGB, before=before)
        return read_image(tmp_path / "a.png")

    light = RGB / 255
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(read(gamma(1.0)) - 255 * encoded).max() <= 0.501
    for said in (gamma(0.45455), gamma(1.0) + chunk(b"sRGB", b"\0"), gamma(0)):
        assert np.array_equal(read(said), RGB)
    assert np.array_equal(read(gamma(1.0) + chunk(b"iCCP", b"name\0\0" + zlib.compress(srgb()))), RGB)


def test_pictures_for_hdr_screens_are_refused_unless_a_profile_goes_along(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", RGB, before=chunk(b"cICP", bytes([9, 16, 0, 1])))
    with pytest.raises(InputError, match=r"a\.png is coded for another kind of screen than sRGB \(cICP 9-16-0-1"):
        read_image(tmp_path / "a.png")
    write_png(tmp_path / "a.png", RGB, before=chunk(b"cICP", bytes([1, 13, 0, 1])))
    assert np.array_equal(read_image(tmp_path / "a.png"), RGB)


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert PngFile(tmp_path / "a.png").count == 2
    assert np.array_equal(read_image(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize("content", [SIGNATURE, SIGNATURE + b"\0\0", SIGNATURE + chunk(b"IEND", b"")])
def test_what_has_no_header_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png is damaged"):
        image_size(tmp_path / "a.png")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_grey_that_is_transparent(tmp_path: Path, bits: int) -> None:
    levels = [0, 1, 1, 0] if bits == 1 else [0, 1, 2, 3]
    row = int("".join(f"{level:0{bits}b}" for level in levels).ljust(-(-bits // 2) * 8, "0"), 2).to_bytes(-(-bits // 2), "big")
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0))
    pixels = chunk(b"tRNS", b"\0\1") + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(SIGNATURE + header + pixels)
    assert read_picture(tmp_path / "a.png").alpha.tolist() == [
        [0 if level == 1 else (65535 if bits == 16 else 255) for level in levels]
    ]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_whose_end_never_came_to_the_disk_is_damaged(tmp_path: Path, share: float) -> None:
    write_png(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8))
    content = (tmp_path / "a.png").read_bytes()
    begin = content[: int(share * len(content))]
    (tmp_path / "a.png").write_bytes(begin.ljust(len(content), b"\0"))
    with pytest.raises(InputError, match=r"a\.png is damaged: the checksum of its IDAT is wrong"):
        read_image(tmp_path / "a.png")


def stream(width: int, height: int, rows: bytes, *, bits: int = 8, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("bits", "row"), [(8, 41), (1, 6), (4, 21), (16, 81)])
def test_pixels_that_end_too_early_are_no_black_rows(bits: int, row: int, tmp_path: Path) -> None:
    for rows in (0, 20, 39):
        (tmp_path / "short.png").write_bytes(stream(40, 40, bytes(row * rows), bits=bits))
        with pytest.raises(InputError, match="short.png"):
            read_image(tmp_path / "short.png")
    (tmp_path / "whole.png").write_bytes(stream(40, 40, bytes(row * 40), bits=bits))
    assert read_image(tmp_path / "whole.png").shape == (40, 40, 3)


def test_an_interlaced_image_has_the_rows_of_its_seven_passes(tmp_path: Path) -> None:
    pixels = np.arange(5 * 9, dtype=np.uint8).reshape(5, 9)
    passes = [pixels[y::dy, x::dx] for x, y, dx, dy in ADAM7]
    rows = b"".join(b"\0" + line.tobytes() for part in passes for line in part if line.size)
    (tmp_path / "whole.png").write_bytes(stream(9, 5, rows, interlaced=1))
    assert np.array_equal(read_image(tmp_path / "whole.png")[..., 0], pixels)
    (tmp_path / "short.png").write_bytes(stream(9, 5, rows[:-1], interlaced=1))
    with pytest.raises(InputError, match="short.png"):
        read_image(tmp_path / "short.png")
