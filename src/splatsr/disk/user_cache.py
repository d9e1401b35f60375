"""Where a program may keep what it can make again: a folder of the user's, also where there is no home.

Nothing is ever written beside the program: it may lie on a disk that is read only, or belong to somebody else.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_OF_LIBRARIES = {
    "MPLCONFIGDIR": "matplotlib",
    "TRITON_CACHE_DIR": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    "TORCH_HOME": "torch",
    "HF_HOME": "huggingface",
    "WANDB_CACHE_DIR": "wandb",
    "WANDB_CONFIG_DIR": "wandb-config",
}
"""What says where libraries keep theirs: by themselves they take the home folder, and some complain where there is none."""


@cache
def user_cache() -> Path | None:
    """The folder, made where it is missing: $XDG_CACHE_HOME/splatsr, ~/.cache/splatsr (macOS: ~/Library/Caches/splatsr), or one
    of the user's own in the folder for temporary files; None where none of them can be written."""
    return next((folder for folder in _candidates() if _is_usable(folder)), None)


def settle_libraries() -> None:
    """Gives the caches of libraries a place where the home folder cannot be written; what is set already stays.

    Called when the package is imported: libraries look for their places when they are."""
    home = Path(os.path.expanduser("~"))
    if (home.is_dir() and os.access(home, os.W_OK)) or (folder := user_cache()) is None:
        return
    for name, below in _OF_LIBRARIES.items():
        if name not in os.environ:
            (folder / below).mkdir(exist_ok=True)
            os.environ[name] = str(folder / below)


def _candidates() -> Iterator[Path]:
    if Path(given := os.environ.get("XDG_CACHE_HOME", "")).is_absolute():
        yield Path(given) / "splatsr"
    home = Path(os.path.expanduser("~"))
    if home.is_dir():  # a home that does not exist is not made
        yield home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "splatsr"
    yield Path(tempfile.gettempdir()) / f"splatsr-{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}"


def _is_usable(folder: Path) -> bool:
    """Whether the folder is there now, and nobody else can have put anything into it: what is read back from it is trusted."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return False
    return stat.S_ISDIR(status.st_mode) and os.access(folder, os.W_OK)
