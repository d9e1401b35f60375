"""Pillow without its limit on pixels and without its warnings, for the time of one decoding.

The limit (of 179 million pixels) guards servers against small files that decode to much; here `memory.check_memory` does that,
by what the machine has. Both are settings of the whole process, so they are counted in and out: as soon as nothing is being
decoded, on any thread, they are what they were.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

_lock = threading.Lock()
_users = 0
_before: Any = None


@contextmanager
def without_limits() -> Iterator[None]:
    """No limit on pixels and no warnings of Pillow in this block."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _before
    with _lock:
        if _users == 0:
            _before = Image.MAX_IMAGE_PIXELS, warnings.filters[:]
            Image.MAX_IMAGE_PIXELS = None
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _users += 1


def _leave() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            Image.MAX_IMAGE_PIXELS, filters = _before
            warnings.filters[:] = filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
