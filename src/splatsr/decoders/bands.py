"""Rows of maps that are too large to be there as a whole, kept for the points that come next."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

from splatsr.image.tiling import Span

Band = TypeVar("Band")


class Bands(Generic[Band]):
    """The rows that were made last. Points of an output come from top to bottom, so these mostly serve.

    Args:
        make: rows [top, bottom) of the map.
        rows: all that there are.
        count: rows that are made at a time, where fewer are asked for; all of them where a gradient is wanted, since a
            training's points lie anywhere.
    """

    def __init__(self, make: Callable[[Span], Band], *, rows: Span, count: int) -> None:
        self._make, self._all, self._count = make, rows, count
        self._made: tuple[Span, Band] | None = None
        self._with_gradients = False

    def with_rows(self, first: int, last: int) -> tuple[int, Band]:
        """(top, rows from there on), which have rows `first` to `last`."""
        wanted = torch.is_grad_enabled()
        kept = self._made if wanted == self._with_gradients else None
        if kept is None or not kept[0][0] <= first <= last < kept[0][1]:
            rows = self._all
            if not wanted and self._count < rows[1] - rows[0]:
                rows = first, max(min(first + self._count, rows[1]), last + 1)
            self._made = kept = None  # the old ones make room first
            self._made, self._with_gradients = (rows, self._make(rows)), wanted
            return self._made[0][0], self._made[1]
        return kept[0][0], kept[1]
