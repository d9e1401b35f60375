"""What killed processes have left of files that they were writing (see `whole_file`), in a whole folder."""

import os
import re
import socket
from pathlib import Path

import psutil

_NAME = re.compile(rf".+\.{re.escape(socket.gethostname())}-(\d+)-\d+\.partial")


def remove_leftovers(folder: Path) -> None:
    """Removes the leftovers in and below `folder` of processes of this machine that do not run any more."""
    for current, _, names in os.walk(folder):
        for name in names:
            if (found := _NAME.fullmatch(name)) and not psutil.pid_exists(int(found[1])):
                Path(current, name).unlink(missing_ok=True)
