import errno
import os
from pathlib import Path

import pytest

from splatsr.disk.disk_errors import disk_error, explain_disk_error


def test_the_disks_error_is_found_behind_others(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    try:
        try:
            raise full
        except OSError as error:
            raise RuntimeError("unexpected pos 576 vs 534") from error
    except RuntimeError as error:
        assert disk_error(error) is full
    assert disk_error(ValueError("a defect")) is None
    assert disk_error(FileNotFoundError(errno.ENOENT, "a defect of the program, if nobody has caught it")) is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device (.* MiB are free there)"),
        (errno.EROFS, "Choose another folder"),
        (errno.EIO, ""),
    ],
)
def test_the_line_names_the_place_and_what_to_do(number: int, said: str, tmp_path: Path) -> None:
    line = explain_disk_error(OSError(number, os.strerror(number)), tmp_path / "below/file")
    assert line.startswith(f"{tmp_path}/below/file cannot be written: {os.strerror(number)}")
    assert all(part in line for part in said.split(".*"))
