"""Runs GIL-free compiled loops on as many threads as torch uses (`torch.set_num_threads`)."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

_pool: ThreadPoolExecutor | None = None
_pool_owner = (0, 0)


def in_parallel(work: Callable[[int], None], items: Sequence[int], *, alone: bool = False) -> None:
    """Calls work(item) for every item, in any order, and returns when all are done; the first error is raised.

    With `alone` the caller does it all: where the work is short, waking the other threads takes longer.
    """
    threads = torch.get_num_threads()
    if alone or threads == 1 or len(items) == 1:
        for item in items:
            work(item)
        return
    pool = _helpers(threads - 1)
    queue = iter(items)  # shared: whoever is free takes the next item

    def drain() -> None:
        for item in queue:
            work(item)

    others = [pool.submit(drain) for _ in range(min(threads, len(items)) - 1)]
    try:
        drain()  # the caller works too
    finally:
        for other in others:
            other.result()


def _helpers(count: int) -> ThreadPoolExecutor:
    """The threads that help the caller: the same ones as before, where there are as many."""
    global _pool, _pool_owner
    if _pool is None or _pool_owner != (os.getpid(), count):  # a forked child inherits the pool object but not its threads
        _pool, _pool_owner = ThreadPoolExecutor(count, thread_name_prefix="splatsr"), (os.getpid(), count)
    return _pool


def even_ranges(total: int, *, smallest: int) -> list[tuple[int, int]]:
    """Cuts range(total) into (first, end) pieces: a few per thread, none smaller than `smallest` (but the last)."""
    pieces = max(1, min(8 * torch.get_num_threads(), total // smallest))
    edges = [total * piece // pieces for piece in range(pieces + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))
