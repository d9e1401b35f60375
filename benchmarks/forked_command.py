"""Command lines of run.py by the hundred: each in a process of its own, forked from one in which everything is imported."""

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")


class Outcome(NamedTuple):
    """How a process ended: its exit code (negative: by that signal), what it wrote, and how long it took.

    `late`: it was ended because it took too long.
    """

    code: int
    out: str
    err: str
    seconds: float
    late: bool

    @property
    def has_traceback(self) -> bool:
        """Whether a defect of the program shows, on either stream."""
        return "Traceback" in self.out + self.err or "Exception ignored" in self.err

    @property
    def is_one_line(self) -> bool:
        """Whether it was refused as it should be: exit code 1, and one line on stderr that says why."""
        lines = self.err.strip().splitlines()
        return self.code == 1 and not self.has_traceback and len(lines) >= 1 and lines[-1].startswith("error: ")


class Kill(NamedTuple):
    """A signal to a process, and to all that it has started (`group`), a while after it began."""

    number: int
    after: float
    group: bool


def prepare() -> None:
    """Imports what command lines need, without computing anything: torch's threads would not survive a fork."""
    import lightning
    import matplotlib.figure
    import torch

    import splatsr.jobs.train
    import splatsr.pictures.training
    import splatsr.runs.command_line

    assert (
        torch and lightning and matplotlib.figure and splatsr.jobs.train and splatsr.pictures.training
    )  # imported: it is enough
    torch.set_num_threads(1)


def run(arguments: Sequence[str], *, folder: Path, seconds: float, kill: Kill | None = None) -> Outcome:
    """`python run.py <arguments>` in a folder.

    Args:
        arguments: of the command line.
        folder: the working directory.
        seconds: after which it is ended.
        kill: which signal it gets, and when.
    """

    def main() -> int:
        from splatsr.runs import command_line

        sys.argv = ["run.py", *arguments]
        return command_line.main()

    return call(main, folder=folder, seconds=seconds, kill=kill)


def call(work: Callable[[], int], *, folder: Path, seconds: float, kill: Kill | None = None) -> Outcome:
    """`work` in a process of its own, as `run`; it returns the exit code."""
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(work, folder, out.fileno(), err.fileno())
        with contextlib.suppress(OSError):
            os.setpgid(child, child)  # here too: whoever comes first
        late, killed = False, kill is None
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            passed = time.monotonic() - begun
            if not killed and kill is not None and passed >= kill.after:
                killed = True
                with contextlib.suppress(ProcessLookupError):
                    (os.killpg if kill.group else os.kill)(child, kill.number)
            if passed > seconds:
                late = True
                os.killpg(child, signal.SIGKILL)
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what it has left behind
        out.seek(0), err.seek(0)
        texts = [stream.read().decode("utf-8", "replace") for stream in (out, err)]
        return Outcome(os.waitstatus_to_exitcode(ended[1]), texts[0], texts[1], time.monotonic() - begun, late)


def _become(work: Callable[[], int], folder: Path, out: int, err: int) -> None:
    """Never returns."""
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0), os.dup2(out, 1), os.dup2(err, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        code = work()
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
