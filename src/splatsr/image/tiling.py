"""Tiles: how an LR image is cut that is too large to be encoded at once, and what a model says about being cut.

Lengths are LR pixels; a span is [first, end).
"""

import math
from typing import NamedTuple

from splatsr.geometry import Number

Span = tuple[int, int]


class Tiling(NamedTuple):
    """What an encoder or a model knows about being run on tiles; a model without it is run on whole images only.

    Attributes:
        overlap: pixels around a tile that its content depends on, or, where that would be all of the image, should see.
        multiple: tiles begin at multiples of so many pixels.
        exact: seen with its overlap, a tile has the content that it has in the whole image.
        support: how far outside its LR pixel what is made for that pixel can still contribute; 0 for an encoder's features.
    """

    overlap: Number
    multiple: int
    exact: bool
    support: Number


def counted_from(origin: int, span: Span) -> Span:
    """The span as counted from `origin`."""
    return span[0] - origin, span[1] - origin


def cut(span: Span, *, tile: int, multiple: int) -> list[Span]:
    """Consecutive spans, as equal as `multiple` allows, of at most `tile` pixels (or one multiple, if that is more)."""
    first, end = span
    most = max(tile // multiple, 1)
    blocks = -(-(end - first) // multiple)
    pieces = -(-blocks // most)
    edges = [first + multiple * (blocks * piece // pieces) for piece in range(pieces)] + [end]
    return list(zip(edges[:-1], edges[1:], strict=True))


def seen(core: Span, length: int, tiling: Tiling) -> Span:
    """The span that is encoded for the sake of `core`: grown by the overlap, to multiples, within an image of `length`."""
    first, end = core
    multiple = tiling.multiple
    return (
        max(math.floor((first - tiling.overlap) / multiple) * multiple, 0),
        min(math.ceil((end + tiling.overlap) / multiple) * multiple, length),
    )
