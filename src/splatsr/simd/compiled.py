"""Compiled once, kept for the next process: numba's njit with its cache in a folder of the user's.

By itself numba writes beside the source, into the installed package, and refuses to compile at all where neither that nor the
home folder can be written. It knows a source by the size and time of its file, and installed files may all have the same time;
here a folder's name says what the sources hold.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config as _config

from splatsr.disk.user_cache import user_cache

config: Any = _config


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`njit(nogil=True, **options)` of a function. NUMBA_CACHE_DIR, where it is set, says where machine code is kept.

    Where no folder can be written, every process compiles what it uses.
    """

    def compile_later(function: Callable[..., Any]) -> Any:
        home, given = user_cache(), config.CACHE_DIR
        kept = given or (home and str(home / "numba" / _digest(function.__code__.co_filename)))
        if not kept:
            return njit(nogil=True, **options)(function)
        try:  # numba looks at the setting now, when it chooses the place, and not again
            config.CACHE_DIR = kept
            return njit(nogil=True, cache=True, **options)(function)
        finally:
            config.CACHE_DIR = given

    return compile_later


@cache
def _digest(source: str) -> str:
    """Of the file with loops and its neighbours, and of the files here, whose vector code they consist of."""
    parts = [*sorted(Path(source).parent.glob("*.py")), *sorted(Path(__file__).parent.glob("*.py"))]
    content = b"".join(path.read_bytes() for path in parts)
    return hashlib.sha256(content).hexdigest()[:16]
