"""The most memory that a piece of a program holds at once."""

import contextlib
import ctypes
import threading
from types import TracebackType

import psutil
import torch


class Peak:
    """A `with` block's peak memory: `megabytes` (1e6 bytes) beyond `base` bytes, by default those in use at its start.

    On a GPU what torch's allocator held; on a CPU the resident memory of the process, looked at every millisecond.
    """

    def __init__(self, device: torch.device, base: int | None = None) -> None:
        self.device, self._base = device, base
        self._process, self._done = psutil.Process(), threading.Event()

    def __enter__(self) -> "Peak":
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            _give_back_freed_memory()
        self._highest = self._in_use()
        self.base = self._highest if self._base is None else self._base
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._watcher.join()
        self._highest = max(self._highest, self._in_use())
        self.megabytes = max(0, self._highest - self.base) / 1e6

    def _in_use(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else self._process.memory_info().rss

    def _watch(self) -> None:
        while not self._done.wait(0.001):
            self._highest = max(self._highest, self._in_use())


def _give_back_freed_memory() -> None:
    """Lets glibc return what has been freed to the system: used again, it would not show in the process's memory."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other C libraries
        ctypes.CDLL(None).malloc_trim(0)
