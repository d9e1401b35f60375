import errno
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from splatsr.disk.whole_file import whole_file, write_json, write_text
from splatsr.errors import InputError


def test_a_file_takes_its_place_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "a.json", {"one": [1, 2]})
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"one": [1, 2]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "before")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"a\.png cannot be written: "), whole_file(tmp_path / "file" / "a.png"):
        pass
    with pytest.raises(InputError, match="No space left"), whole_file(tmp_path / "b.png"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_mode_is_the_umasks_whoever_writes(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "a.safetensors") as partial:
            save_file({"a": torch.zeros(1)}, partial)  # which makes files that others cannot read
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == mode


def test_two_writers_do_not_share_their_unfinished_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as one:
        with whole_file(path) as other:
            other.write_text("other")
            one.write_text("one")
        assert path.read_text() == "other"
    assert path.read_text() == "one"


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_writes_stays(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    dead, alive = (tmp_path / f"a.txt.{socket.gethostname()}-{pid}-0.partial" for pid in (killed.pid, os.getppid()))
    elsewhere = tmp_path / f"a.txt.another-machine-{killed.pid}-0.partial"
    for leftover in (dead, alive, elsewhere):
        leftover.write_text("half")
    write_text(tmp_path / "a.txt", "whole")
    assert not dead.exists()
    assert alive.exists()
    assert elsewhere.exists()


def test_what_has_come_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(InputError, match=r"a.png exists already"), whole_file(path, replace=False) as partial:
        partial.write_text("mine")
        path.write_text("of another process")
    assert path.read_text() == "of another process"
    assert os.listdir(tmp_path) == ["a.png"]
    path.unlink()
    with whole_file(path, replace=False) as partial:
        partial.write_text("mine")
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(replace: bool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.txt").symlink_to("elsewhere/a.txt")
    if replace:
        (tmp_path / "elsewhere/a.txt").write_text("before")
    with whole_file(tmp_path / "link.txt", replace=replace) as partial:
        assert partial.parent == tmp_path / "elsewhere"
        partial.write_text("after")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "elsewhere/a.txt").read_text() == "after"


def test_where_no_file_can_be_put_nothing_is_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.txt")
    (tmp_path / "to_fifo.txt").symlink_to("fifo.txt")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    for name, why in {"fifo": "is a pipe", "to_fifo": "is a pipe", "loop": "cannot be written: Too many levels"}.items():
        with pytest.raises(InputError, match=rf"{name}\.txt {why}"), whole_file(tmp_path / f"{name}.txt"):
            pytest.fail("nothing is made for a place that no file can have")
    assert stat.S_ISFIFO((tmp_path / "fifo.txt").stat().st_mode)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    name = "\u00e4" * 125 + ".json"
    assert len(os.fsencode(name)) == 255
    write_json(tmp_path / name, {})
    assert os.listdir(tmp_path) == [name]
    with pytest.raises(InputError, match="cannot be written: File name too long"):
        write_json(tmp_path / f"x{name}", {})
