"""Watching the other processes of a run: when one fails, all end."""

import os
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from splatsr.shown import printable


class Watcher(threading.Thread):
    """Ends all processes when one of the others fails: this one too, should it be waiting for the dead one forever.

    Args:
        refusals: the processes, and the connection through which each says why it refuses to work.
        patience: seconds that this process has, after another one's end, to end by itself.
    """

    def __init__(self, refusals: Mapping[BaseProcess, Connection], *, patience: float) -> None:
        super().__init__(daemon=True)
        self.refusals, self.patience = refusals, patience
        self.failure, self.refused = "", False
        self.failed, self.over = threading.Event(), threading.Event()

    def run(self) -> None:
        """Waits until all have ended, or one has failed."""
        running: dict[Any, BaseProcess] = {process.sentinel: process for process in self.refusals}
        while running:
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                if process.exitcode and not self.over.is_set():
                    self._end_all(process)
                    return

    def _end_all(self, failed: BaseProcess) -> None:
        self.failure, self.refused = self._reason(failed)
        for process in self.refusals:
            process.kill()
        self.failed.set()
        if not self.over.wait(self.patience):
            sys.stderr.write(f"error: {printable(self.failure, sys.stderr.encoding)}\n")
            sys.stderr.flush()
            os._exit(1)

    def _reason(self, process: BaseProcess) -> tuple[str, bool]:
        """What to say, and whether the user can put it right."""
        try:
            return self.refusals[process].recv(), True
        except EOFError:
            code = process.exitcode or 0
            if code < 0:
                return (
                    f"{process.name} was killed by signal {-code}; if memory ran out, use fewer data.workers.",
                    True,
                )
            return f"{process.name} ended with code {code}; its error is above.", False
