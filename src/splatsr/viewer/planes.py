"""A field as planes of numbers for the page: one kernel per cell, in few bytes; field.js reads them.

A kernel is (x, y, l11, l21, l22, red, green, blue), x and y from its cell's corner in LR pixels. A plane holds one of these of
all cells. "float16" is as fine as half precision is between 1/4 and 1/2, but evenly: numbers are whole multiples of `STEPS`, in
16 bits; red and blue are stored as their differences from green, and of every plane what JPEG-LS's predictor leaves, as zlib
streams. Kernels that are much wider than the others, or far from their cell, stand in a list of their own, the tail: every
pixel tries them, and the others' neighbourhoods stay small.
"""

import math
import zlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.splatting.reference import CUT, HUGE

STEPS = (*(1 / 6000,) * 5, *(1 / 2500,) * 3)
"""Of the planes' numbers in float16, in their order: of a picture, a rendered pixel moves by a level at most, and few values do
(tests/viewer/test_pixels.py).

Positions and shapes are finer than colors: they move the kernels' ends, where a color changes at once.
"""

THINNEST = 2**-13
"""LR pixels: a kernel with a smaller l11 or l22 is none."""

TAIL = 512
"""Most kernels in the tail."""

LARGEST_SIDE = 8192
"""Cells along a side: the texture that every WebGL 2 device of today takes."""

MOST_CELLS = 40_000_000
"""Of a field: about what 400 MB of a page hold."""

DENSEST = 8
"""Kernels along the side of an LR pixel, at most, where they are no grid."""

MOST_TRIED = 4000
"""Kernels that a pixel may have to try, on average; browsers stop pages that draw for seconds."""

_NEAR = 4.0
"""LR pixels: a kernel of a grid's cell that is farther from it is an exception."""

_EMPTY = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""A cell without kernel: l22 = 0 marks it."""


class Planes(NamedTuple):
    """What the page needs of a field: `facts` go into its JSON, `data` is embedded; `facts["lengths"]` says how to cut it."""

    facts: dict[str, Any]
    data: bytes


def planes_of(field: GaussianField, precision: str = "float16") -> Planes:
    """The first image of a field, in planes of "float16" or "float32".

    float16 becomes float32 where numbers are too large for it. Kernels that no renderer draws are left out. A field that is no
    grid of k x k kernels per LR pixel is made one, kernels in the cells of the LR pixel that they lie in.

    Raises:
        InputError: it has not three channels, is too large for a texture, has too many kernels in one LR pixel, or kernels so
            wide that every pixel would try thousands.
    """
    if field.colors.shape[2] != 3:
        raise InputError(f"the page shows fields of 3 channels (RGB); this one has {field.colors.shape[2]}.")
    first = field.first().detach().to("cpu")
    means, cholesky, colors = (part[0].double().numpy() for part in (first.means, first.cholesky, first.colors))
    kernels = np.concatenate([means, cholesky, colors], 1)
    drawn = _drawn(kernels)
    grid = _as_grid(kernels, drawn, field.size, field.margin)
    ordered = grid is not None
    if grid is None:
        cells, per_side, margin = _in_pixels(kernels[drawn], field.size)
    else:
        (cells, per_side), margin = grid, field.margin
        _check_size(field.size, per_side, margin)
    rows, columns = cells.shape[:2]
    cells, tail = _without_tail(cells, per_side)
    tried = len(tail) + min(float(((2 * per_side * _reach(cells, per_side) + 1) ** 2).mean()), drawn.sum())
    if tried > MOST_TRIED:
        raise InputError(
            f"its kernels are so wide that a pixel would try {tried:.0f} of them, and the page can at most {MOST_TRIED}."
        )
    in_half = precision == "float16" and _fits(cells)
    streams = _predicted(cells) if in_half else _shuffled(cells)
    streams.append(zlib.compress(tail.tobytes(), 6))
    facts = {
        "cells": [rows, columns],
        "perSide": per_side,
        "margin": margin,
        "referenceScale": None if math.isinf(field.reference_scale) else field.reference_scale,
        "ordered": ordered,
        "steps": STEPS if in_half else None,
        "lengths": [len(stream) for stream in streams],
    }
    return Planes(facts, b"".join(streams))


def _check_size(size: tuple[int, int], per_side: int, margin: int) -> None:
    """InputError where the cells are too many for a page."""
    rows, columns = (per_side * (side + 2 * margin) for side in size)
    if max(rows, columns) > LARGEST_SIDE or rows * columns > MOST_CELLS:
        raise InputError(
            f"a picture of {size[1]}x{size[0]} pixels is too large for the page, which takes "
            f"{LARGEST_SIDE // per_side - 2 * margin} pixels a side and {MOST_CELLS / per_side**2 / 1e6:.1f} million in all: "
            "cut or reduce it first."
        )


def _drawn(kernels: Float[np.ndarray, "n 8"]) -> Bool[np.ndarray, " n"]:
    """Which kernels a renderer draws at some scale of the page: finite, of an area, not huge."""
    finite = np.isfinite(kernels).all(1) & (np.abs(kernels) <= HUGE).all(1)
    return finite & (np.abs(kernels[:, [2, 4]]) > THINNEST).all(1)


def _as_grid(
    kernels: Float[np.ndarray, "n 8"], drawn: Bool[np.ndarray, " n"], size: tuple[int, int], margin: int
) -> tuple[Float[np.ndarray, "rows columns 8"], int] | None:
    """(Kernels by cell, k), where they run row by row over k x k cells per LR pixel and lie near them; otherwise None."""
    height, width = (side + 2 * margin for side in size)
    per_side = math.isqrt(len(kernels) // (height * width))
    if per_side < 1 or per_side**2 * height * width != len(kernels):
        return None
    grid = kernels.reshape(per_side * height, per_side * width, 8).copy()
    grid[..., :2] -= _corners(grid.shape[:2], per_side, margin)
    empty = ~drawn.reshape(grid.shape[:2])
    grid[empty] = _EMPTY
    far = (np.abs(grid[..., :2]).max(-1) > _NEAR).sum()
    return (grid, per_side) if far <= TAIL // 2 else None


def _in_pixels(
    kernels: Float[np.ndarray, "n 8"], size: tuple[int, int]
) -> tuple[Float[np.ndarray, "rows columns 8"], int, int]:
    """(Kernels by cell, k, 0): each in a cell of the LR pixel that it lies in, or that is nearest to it."""
    pixels = np.floor(kernels[:, :2]).astype(np.int64).clip(0, [size[1] - 1, size[0] - 1])
    index = pixels[:, 1] * size[1] + pixels[:, 0]
    order = np.argsort(index, kind="stable")
    _, starts, counts = np.unique(index[order], return_index=True, return_counts=True)  # no array of the image's size yet
    per_side = max(math.isqrt(max(int(counts.max(initial=0)) - 1, 0)) + 1, 1)
    if per_side > DENSEST:
        raise InputError(f"{counts.max()} kernels lie in one LR pixel; the page shows at most {DENSEST**2}.")
    _check_size(size, per_side, 0)
    rank = np.arange(len(kernels)) - np.repeat(starts, counts)
    rows = per_side * pixels[order, 1] + rank // per_side
    columns = per_side * pixels[order, 0] + rank % per_side
    cells = np.empty((per_side * size[0], per_side * size[1], 8))
    cells[:] = _EMPTY
    cells[rows, columns] = kernels[order]
    cells[rows, columns, :2] -= np.stack([columns, rows], 1) / per_side
    return cells, per_side, 0


def _corners(cells: tuple[int, int], per_side: int, margin: int) -> Float[np.ndarray, "rows columns xy=2"]:
    rows, columns = (np.arange(count) / per_side - margin for count in cells)
    return np.stack(np.meshgrid(columns, rows), -1)


def _without_tail(
    cells: Float[np.ndarray, "rows columns 8"], per_side: int
) -> tuple[Float[np.ndarray, "rows columns 8"], Float32[np.ndarray, "tail 12"]]:
    """(The kernels without the tail, the tail in the order of its cells: a kernel, its column and row, and two zeros).

    Of m kernels in the tail every pixel tries m, and of the others those within the reach r of the next widest, (2 k r + 1)^2:
    m is where that is least; 0, where that is not half of what it is without.
    """
    reach = _reach(cells, per_side).ravel()
    most = min(TAIL, reach.size - 1)
    widest = np.argpartition(-reach, most)[: most + 1]
    widest = widest[np.argsort(-reach[widest], kind="stable")]
    tried = np.arange(most + 1) + (2 * per_side * reach[widest] + 1) ** 2
    count = int(np.argmin(tried)) if tried.min() < tried[0] / 2 else 0
    chosen = np.sort(widest[:count])
    rows, columns = np.divmod(chosen, cells.shape[1])
    tail = np.zeros((len(chosen), 12), np.float32)
    tail[:, :8], tail[:, 8], tail[:, 9] = cells[rows, columns], columns, rows
    kept = cells.copy()
    kept[rows, columns] = _EMPTY
    return kept, tail


def _reach(cells: Float[np.ndarray, "rows columns 8"], per_side: int) -> Float[np.ndarray, "rows columns"]:
    """How far kernels reach from the middle of their cells along either axis, in LR pixels; 0 for those that are none."""
    spread = np.stack([np.abs(cells[..., 2]), np.hypot(cells[..., 3], cells[..., 4])], -1)
    reach = (np.abs(cells[..., :2] - 0.5 / per_side) + math.sqrt(2 * CUT) * spread).max(-1)
    return np.where(cells[..., 4] == 0, 0, reach)


def _fits(cells: Float[np.ndarray, "rows columns 8"]) -> bool:
    """Whether 16 bits hold all numbers; differences of colors wrap around."""
    return bool((np.abs(cells) < (2**15 - 1) * np.array(STEPS)).all())


def _predicted(cells: Float[np.ndarray, "rows columns 8"]) -> list[bytes]:
    whole = list(np.rint(np.moveaxis(cells / np.array(STEPS), -1, 0)).astype(np.int64))
    whole[5], whole[7] = whole[5] - whole[6], whole[7] - whole[6]
    return [_residuals(plane) for plane in whole]


def _residuals(plane: Int64[np.ndarray, "rows columns"]) -> bytes:
    """What the median predictor of JPEG-LS leaves of whole numbers, signs in the lowest bit, low bytes before high ones."""
    plane = plane.astype(np.int16).astype(np.int64)
    bordered = np.pad(plane, ((1, 0), (1, 0)))
    left, above, corner = bordered[1:, :-1], bordered[:-1, 1:], bordered[:-1, :-1]
    low, high = np.minimum(left, above), np.maximum(left, above)
    rest = plane - np.where(corner >= high, low, np.where(corner <= low, high, left + above - corner))
    rest = rest.astype(np.int16).astype(np.int64)
    zigzag = np.where(rest < 0, -2 * rest - 1, 2 * rest).astype(np.uint16)
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_RLE)  # there are no longer repetitions; smaller, and faster
    content = (zigzag & 255).astype(np.uint8).tobytes() + (zigzag >> 8).astype(np.uint8).tobytes()
    return packer.compress(content) + packer.flush()


def _shuffled(cells: Float[np.ndarray, "rows columns 8"]) -> list[bytes]:
    limits = np.finfo(np.float32)
    numbers = cells.clip(limits.min, limits.max).astype(np.float32)
    planes = [np.ascontiguousarray(numbers[..., plane]) for plane in range(8)]
    return [zlib.compress(plane.view(np.uint8).reshape(-1, 4).T.tobytes(), 6) for plane in planes]
