"""SIGTERM, SIGHUP and SIGINT (a scheduler, a closed terminal, Ctrl-C) end a command line in seconds and one line, with nothing
half done. Those that the process was told to ignore when it was started (nohup) stay ignored.

Where Python runs what destroys an object it forgets exceptions, also one that a signal has raised: hence the timer.
"""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import psutil

PATIENCE = 8.0
"""Seconds that the program has to clean up after itself; then it is ended as it is. (Every file is whole or not there.)"""

_arrived: list[int] = []
_listening = False


class Terminated(BaseException):
    """The process has been asked to end; no `except Exception` holds it up."""


def listen() -> None:
    """From now on the signals raise `Terminated` in the main thread, Ctrl-C KeyboardInterrupt; does nothing in another one."""
    global _listening
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            signal.signal(number, _end)
        _listening = True


def listen_again() -> None:
    """As `listen`, where it has been called: libraries put handlers of their own in its place."""
    if _listening:
        listen()


def end_with_standard_input() -> None:
    """Ends this process, as SIGTERM does, when its standard input ends: when the process that has the other end is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def exit_code() -> int | None:
    """The exit code that shells expect of a process that was asked to end (143 for SIGTERM); None where it was not."""
    return 128 + _arrived[0] if _arrived else None


def line() -> str:
    """What is said then."""
    name = signal.Signals(_arrived[0]).name
    if name == "SIGINT":
        return "interrupted; go on with resume=auto if this was a training.\n"
    return f"ended by {name}; a training or fit_prior goes on with resume=auto, an upscale of a folder with the same command.\n"


def _signals() -> list[int]:
    there = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
    return [number for number in there if signal.getsignal(number) != signal.SIG_IGN]


def _end(number: int, _: FrameType | None) -> None:
    if _arrived:
        return
    _arrived.append(number)
    sys.unraisablehook = _say_nothing  # what is being destroyed now may complain
    if hasattr(signal, "SIGCHLD"):  # torch would raise an error of its own, wherever it is, when a loader's worker ends too
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_end_for_good, daemon=True).start()
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _say_nothing(_: Any) -> None:
    pass


def _end_for_good() -> None:
    """Ends the process if it has not come to its end by itself."""
    threading.Event().wait(PATIENCE)
    for child in psutil.Process().children(recursive=True):
        child.kill()
    sys.stderr.write(line())
    sys.stderr.flush()
    os._exit(exit_code() or 1)
