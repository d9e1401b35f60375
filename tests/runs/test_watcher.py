import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from splatsr.runs.watcher import Watcher


class Process(BaseProcess):
    """A process that has ended with `exitcode`, or is still running (None)."""

    exitcode, sentinel = None, None

    def __init__(self, name: str, exitcode: int | None) -> None:
        super().__init__(name=name)
        self.killed = False
        self.sentinel, self._still_running = multiprocessing.Pipe(duplex=False)
        self.exitcode = exitcode
        if exitcode is not None:
            self._still_running.close()

    def join(self, timeout: float | None = None) -> None:
        pass

    def kill(self) -> None:
        self.killed = True


def process(name: str, exitcode: int | None, says: str | None = None) -> tuple[Process, Connection]:
    """A process, and the connection through which it may have said something."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    if says is not None:
        sender.send(says)
    sender.close()
    return Process(name, exitcode), receiver


@pytest.mark.parametrize(
    ("exitcode", "says", "failure", "refused"),
    [
        (1, "the folder is empty", "the folder is empty", True),
        (1, None, "process 1 ended with code 1; its error is above.", False),
        (-9, None, "process 1 was killed by signal 9; if memory ran out, use fewer data.workers.", True),
    ],
)
def test_the_first_failure_ends_all_and_is_explained(exitcode: int, says: str | None, failure: str, refused: bool) -> None:
    failed, running = process("process 1", exitcode, says), process("process 2", None)
    watcher = Watcher(dict([failed, running]), patience=60.0)
    watcher.start()
    assert watcher.failed.wait(10)
    watcher.over.set()
    watcher.join(10)
    assert (watcher.failure, watcher.refused) == (failure, refused)
    assert running[0].killed


def test_processes_that_end_well_are_left_alone() -> None:
    watcher = Watcher(dict([process("process 1", 0), process("process 2", 0)]), patience=60.0)
    watcher.run()
    assert not watcher.failed.is_set()
    assert watcher.failure == ""
