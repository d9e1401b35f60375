"""16-bit samples of a TIFF that is compressed by means that tifffile does not know: LZW and the like.

Pillow decompresses them, but of 16-bit colors it keeps the upper half. These ways of compression see bytes alone, so that a
picture of three samples a pixel is one of grey that is three times as wide, of which Pillow keeps all. What the predictor has
subtracted is added here, since it differs from pixel to pixel and not from sample to sample.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import tifffile
from jaxtyping import UInt16
from PIL import Image
from tifffile import COMPRESSION, PREDICTOR

PACKED = (COMPRESSION.LZW, COMPRESSION.PACKBITS, COMPRESSION.LZMA, COMPRESSION.ZSTD)
"""Ways of compression that do not know what a sample is."""

_COMPRESSION = 259


def unpacked(page: tifffile.TiffPage) -> UInt16[np.ndarray, "h w samples"]:
    """The samples of a page of 16 bits and `PACKED` whose samples lie together.

    Raises:
        Exception: of any kind, where the file is damaged.
    """
    samples, (rows, columns) = page.samplesperpixel, (page.chunks[0], page.chunks[1]) if page.is_tiled else (0, 0)
    rows = rows or min(page.rowsperstrip, page.imagelength)
    columns = columns or page.imagewidth
    across = -(-page.imagewidth // columns)
    height = -(-page.imagelength // rows) * rows if page.is_tiled else page.imagelength
    with Image.open(_as_grey(page, (height, across * columns * samples), (rows, columns * samples)), formats=["TIFF"]) as grey:
        values = np.asarray(grey).astype(np.uint16).reshape(height, across, columns, samples)
    if page.predictor == PREDICTOR.HORIZONTAL:
        values = values.cumsum(2, dtype=np.uint16)
    elif page.predictor != PREDICTOR.NONE:
        raise ValueError(f"its predictor is {page.predictor}")
    return values.reshape(height, -1, samples)[: page.imagelength, : page.imagewidth]


def _as_grey(page: tifffile.TiffPage, size: tuple[int, int], chunk: tuple[int, int]) -> io.BytesIO:
    """A file with the page's strips or tiles as they are, as a grey picture of this (height, width)."""
    made = io.BytesIO()
    layout: dict[str, Any] = {"tile": chunk} if page.is_tiled else {"rowsperstrip": chunk[0]}
    with tifffile.TiffWriter(made, byteorder=page.parent.byteorder, bigtiff=page.parent.is_bigtiff) as writer:
        what = {"shape": size, "dtype": np.uint16, "photometric": "minisblack", "metadata": None, **layout}
        writer.write(_parts(page), compression="zlib", **what)  # for the moment: tifffile refuses what it cannot do itself
    made.seek(0)
    with tifffile.TiffFile(made) as file:
        file.pages.first.tags[_COMPRESSION].overwrite(int(page.compression))
    made.seek(0)
    return made


def _parts(page: tifffile.TiffPage) -> Iterator[bytes]:
    """The bytes of one strip or tile after the other."""
    handle = page.parent.filehandle
    for place, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        handle.seek(place)
        yield handle.read(length)
