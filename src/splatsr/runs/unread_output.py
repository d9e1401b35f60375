"""What is printed when nobody reads it any more: `python run.py --help | head -1` ends quietly."""

import io
import os
import select
from typing import TextIO

STATUS = 141
"""What shells expect of a command whose reader has gone: 128 + SIGPIPE."""


def is_unread(stream: TextIO) -> bool:
    """Whether the stream is a pipe whose reader has gone."""
    try:
        descriptor = stream.fileno()
    except (io.UnsupportedOperation, ValueError):  # no file at all, or closed
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def discard(stream: TextIO) -> None:
    """What is still to be printed goes nowhere, so that Python does not complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
