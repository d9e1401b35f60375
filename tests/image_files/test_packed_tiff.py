from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tifffile import COMPRESSION

from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import read_image

RANDOM = np.random.default_rng(0)
LEVELS = RANDOM.integers(0, 65536, (20, 40, 4)).astype(np.uint16)


def lzw(content: bytes) -> bytes:
    """TIFF's LZW without a table: codes of 9 bits, which a clear code (256) keeps from growing."""
    codes = [code for first in range(0, len(content), 200) for code in (256, *content[first : first + 200])]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def packbits(content: bytes) -> bytes:
    """Without repetitions."""
    parts = [content[first : first + 128] for first in range(0, len(content), 128)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


def write(path: Path, pixels: np.ndarray, pack: COMPRESSION, parts: Iterable[np.ndarray], order: str, **options) -> None:  # noqa: ANN003
    """A TIFF whose strips or tiles are compressed in a way that tifffile does not write."""
    code = lzw if pack == COMPRESSION.LZW else packbits
    encoded = (code(part.astype(f"{order}u2").tobytes()) for part in parts)
    tifffile.imwrite(
        path, encoded, shape=pixels.shape, dtype=np.uint16, compression="zlib", byteorder=order, metadata=None, **options
    )
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(int(pack))


def differences(part: np.ndarray) -> np.ndarray:
    """Every pixel minus the one to its left."""
    return np.concatenate([part[:, :1], part[:, 1:] - part[:, :-1]], 1)


@pytest.mark.parametrize("pack", [COMPRESSION.LZW, COMPRESSION.PACKBITS])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_all_sixteen_bits_of_colors_count(tmp_path: Path, pack: COMPRESSION, order: str, predictor: int) -> None:
    rgb = LEVELS[..., :3]
    parts = [rgb[first : first + 8] for first in range(0, 20, 8)]
    parts = [differences(part) for part in parts] if predictor == 2 else parts
    write(tmp_path / "a.tif", rgb, pack, parts, order, photometric="rgb", rowsperstrip=8, predictor=predictor)
    assert np.array_equal(read_image(tmp_path / "a.tif"), np.round(rgb * (255 / 65535)))


@pytest.mark.parametrize("predictor", [1, 2])
def test_tiles(tmp_path: Path, predictor: int) -> None:
    padded = np.pad(LEVELS, ((0, 12), (0, 8), (0, 0)))
    parts = [padded[y : y + 16, x : x + 16] for y in (0, 16) for x in (0, 16, 32)]
    parts = [differences(part) for part in parts] if predictor == 2 else parts
    write(
        tmp_path / "a.tif", LEVELS, COMPRESSION.LZW, parts, "<", photometric="rgb", tile=(16, 16), predictor=predictor,
        extrasamples=["unassalpha"],
    )  # fmt: skip
    with_alpha = read_picture(tmp_path / "a.tif")
    assert np.array_equal(np.dstack([with_alpha.colors, with_alpha.alpha]), LEVELS)


def test_ink_and_white_is_zero(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", LEVELS, COMPRESSION.LZW, [LEVELS], "<", photometric="separated", rowsperstrip=20)
    ink = np.round(LEVELS * (255 / 65535)) / 255
    expected = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
    assert np.abs(read_image(tmp_path / "a.tif") - expected).max() < 2
    grey = LEVELS[..., 0]
    write(tmp_path / "a.tif", grey, COMPRESSION.LZW, [grey], "<", photometric="miniswhite", rowsperstrip=20)
    assert np.array_equal(read_image(tmp_path / "a.tif")[..., 1], np.round((65535 - grey) * (255 / 65535)))
