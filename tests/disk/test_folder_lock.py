import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from splatsr.disk.folder_lock import NAME, check_free, hold, holder
from splatsr.errors import InputError

HOLDER = """
import os, sys, time
from pathlib import Path
from splatsr.disk.folder_lock import hold
with hold(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(60)  # a worker that outlives its parent holds nothing
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_and_free_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "outputs/train/now"
    with hold(folder):
        assert holder(folder) == "this process itself"
        with pytest.raises(InputError, match="is in use by this process itself"), hold(folder):
            pass
        (folder / "result").touch()
    assert holder(folder) is None
    assert [path.name for path in folder.iterdir()] == ["result"]


def test_folders_that_stay_empty_are_removed_and_others_not(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    with hold(tmp_path / "outputs/train/now"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["outputs"]


def test_a_holder_is_named_until_it_is_killed_and_its_children_hold_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        assert f"process {process.pid} on " in holder(tmp_path)
        with pytest.raises(InputError, match=f"in use by process {process.pid} on .* since .*; wait for it"), hold(tmp_path):
            pass
        process.kill()
        process.wait()
        assert (tmp_path / NAME).exists()
        assert holder(tmp_path) is None
        with hold(tmp_path):
            assert str(os.getpid()) in (tmp_path / NAME).read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()


def test_patience_waits_for_the_holder(tmp_path: Path) -> None:
    short = HOLDER.replace("time.sleep(60)", "time.sleep(0.5)")
    process = subprocess.Popen([sys.executable, "-c", short, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    with hold(tmp_path, patience=30.0):
        assert str(os.getpid()) in (tmp_path / NAME).read_text()
    process.stdout.close()
    process.wait()


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"file/below cannot be used: .*/file is a file"),
        hold(tmp_path / "file/below"),
    ):
        pass


def test_a_link_in_place_of_the_lock_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("precious")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / NAME).symlink_to(tmp_path / "precious.txt")
    with pytest.raises(InputError, match="run cannot be used"), hold(folder):
        pass
    assert holder(folder) is None
    (folder / NAME).unlink()
    os.mkfifo(folder / NAME)
    with pytest.raises(InputError, match="run cannot be used"), hold(folder):
        pass
    assert (tmp_path / "precious.txt").read_text() == "precious"


def test_what_is_in_use_is_no_place_for_other_results(tmp_path: Path) -> None:
    check_free(tmp_path)
    with hold(tmp_path):
        for output in (tmp_path, tmp_path / "pictures"):
            with pytest.raises(InputError, match="is in use by this process itself; choose another output"):
                check_free(output)
