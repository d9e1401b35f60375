"""What the system says when a file or folder cannot be written, in one line that names the place and what to do."""

import errno
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
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        if isinstance(current, OSError) and current.errno in _FULL | _NOT_ALLOWED | _BROKEN:
            return current
        seen.append(current)
        current = current.__cause__ or current.__context__
    return None


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
    return f"{path} cannot be written: {reason}."
