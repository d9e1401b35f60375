"""Nested plain values, walked one by one, so that a reader can stop where there are too many or they are too deep."""

from collections.abc import Iterator, Mapping
from typing import Any

MOST = 500_000
"""Values in what a file says of its model; the largest dictionary in a model's file has 65536 rows of three."""


def values_in(value: Any, name: str, level: int = 0) -> Iterator[tuple[str, Any, int]]:
    """(dotted name, value, level of nesting) of a value and all within it, each before what it holds.

    A pickle's lists may hold one list many times, or themselves: this ends only if the reader stops at a level and at a count.
    """
    yield name, value, level
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from values_in(one, f"{name}.{key}", level + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from values_in(one, name, level + 1)
