"""What the system says when a file or folder cannot be written, in one line that names the place and what to do."""

import errno
import os
from pathlib import Path

from splatsr.disk.free_space import free_bytes

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_BROKEN = {
    *(errno.EIO, errno.ESTALE, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
    *(errno.ELOOP, errno.EMFILE, errno.ENFILE),
}


def disk_error(error: BaseException) -> OSError | None:
    """The error of a disk or folder among an error and what it came from (torch hides it behind one of its own)."""
    known = _FULL | _NOT_ALLOWED | _BROKEN
    return next((one for one in _chain(error) if isinstance(one, OSError) and one.errno in known), None)


def explain_disk_error(error: OSError, path: Path) -> str:
    """The line; `path` is what was to be written, or the folder in which something was."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return (
            f"{path} cannot be written: {reason} ({free_bytes(path) / 2**20:.1f} MiB are free there). Free some space, or "
            "choose another folder; what was there before is intact."
        )
    if error.errno in _NOT_ALLOWED:
        return f"{path} cannot be written: {reason}. Choose another folder, or work where you may write."
    obstacle = in_the_way(path) if error.errno in (errno.EEXIST, errno.ENOTDIR) else ""
    return f"{path} cannot be written: {obstacle or reason}."


def in_the_way(folder: Path) -> str:
    """What stands where the folder, or one above it, would be made, in words; empty where nothing does."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if place.is_symlink() and not place.exists():
            return f"{place} is a link to {os.readlink(place)}, which does not exist"
        if place.exists():
            return "" if place.is_dir() else f"{place} is a file, not a folder"
    return ""


def lost_folder(error: BaseException, folder: Path) -> Path | None:
    """The folder that somebody has moved or deleted while files were written into it: it is missing, and `folder` or below it.

    None where the error, or what it came from, is another. (A file that is missing in a folder that is there is a defect.)
    """
    for one in _chain(error):
        if isinstance(one, FileNotFoundError) and isinstance(one.filename, str | Path):
            place = Path(one.filename).absolute().parent
            if place.is_relative_to(folder.absolute()) and not place.exists():
                return next((above for above in reversed(place.parents) if not above.exists()), place)
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain
