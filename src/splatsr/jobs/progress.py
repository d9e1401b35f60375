"""A progress bar for loops outside Lightning."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def along(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Yields the items; shows a bar while it does (on a terminal; nothing otherwise)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        yield from bar.track((items[index] for index in range(len(items))), total=len(items), description=doing)
