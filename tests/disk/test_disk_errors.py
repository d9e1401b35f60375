import errno
import os
from pathlib import Path

import pytest

from splatsr.disk.disk_errors import disk_error, explain_disk_error, in_the_way, lost_folder


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


def test_what_stands_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/nowhere/x")
    assert in_the_way(tmp_path / "file/below") == f"{tmp_path}/file is a file, not a folder"
    assert in_the_way(tmp_path / "link/below") == f"{tmp_path}/link is a link to /nowhere/x, which does not exist"
    assert in_the_way(tmp_path / "new/below") == ""


def test_a_folder_that_was_moved_away_is_known_from_a_defect(tmp_path: Path) -> None:
    def missing(path: Path) -> BaseException:
        try:
            try:
                path.open("a")
            except FileNotFoundError as error:
                raise RuntimeError("behind another") from error
        except RuntimeError as error:
            return error
        raise AssertionError

    run = tmp_path / "run"
    assert lost_folder(missing(run / "logs/metrics.csv"), run) == run
    run.mkdir()
    assert lost_folder(missing(run / "logs/metrics.csv"), run) == run / "logs"
    assert lost_folder(FileNotFoundError(2, "No such file", str(run / "absent.txt")), run) is None
    assert lost_folder(missing(tmp_path / "elsewhere/absent.txt"), run) is None
    assert lost_folder(ValueError("a defect"), run) is None
