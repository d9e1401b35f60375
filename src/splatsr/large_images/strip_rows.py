"""How an output is cut into strips."""

from collections.abc import Iterator

from splatsr.image.tiling import Span

STRIP_BYTES = 32 * 1024**2
"""Of a strip in float32; whole bands of the CPU renderer, where one fits."""

BAND = 16


def strip_rows(first: int, size: tuple[int, int], most: int = 2**31) -> Iterator[Span]:
    """Output rows from `first` on, of an output that is ready up to `size`, in strips of `STRIP_BYTES`, or of `most` rows."""
    end, width = size
    count = max(min(STRIP_BYTES // (3 * 4 * width), most), 1)
    count -= count % BAND if count > BAND else 0
    return ((top, min(top + count, end)) for top in range(first, end, count))
