"""Progress of what is not a training: bars on a terminal, lines where the output is a file."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

INTERVAL = 5.0
"""Seconds between two lines."""


def along(items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
    """Yields the `total` items; shows a bar while it does (on a terminal; nothing otherwise)."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=console, disable=not console.is_terminal) as bar:
        yield from bar.track(items, total=total, description=doing)


@contextmanager
def share_done(doing: str) -> Iterator[Callable[[float], None]]:
    """Gives a function that is to be told which share of one long piece of work is done.

    It shows a bar on a terminal; elsewhere it prints a line for a tenth, but no more than one in `INTERVAL` seconds.
    """
    console = Console()
    start = said = time.monotonic()
    tenths = 0
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=console) as bar:
        task = bar.add_task(doing, total=1.0)

        def tell(share: float) -> None:
            nonlocal tenths, said
            bar.update(task, completed=share)
            now = time.monotonic()
            if not console.is_terminal and tenths < int(10 * share) < 10 and now - said >= INTERVAL:
                tenths, said = int(10 * share), now
                spent = now - start
                left = spent * (1 - share) / share
                console.print(f"{doing}: {10 * tenths} % after {spent:.0f} s, about {left:.0f} s left", soft_wrap=True)

        yield tell
