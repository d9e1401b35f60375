import os
import socket
from pathlib import Path

from splatsr.disk.leftovers import partial_name, remove_leftovers, remove_leftovers_of

DEAD = 2**22 + 1  # above Linux's largest process number


def test_what_dead_processes_of_this_machine_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    host = socket.gethostname()
    (tmp_path / "deeper").mkdir()
    left = [f"a.png.{host}-{DEAD}-0.partial", f"deeper/b.tif.{host}-{DEAD}-12.partial"]
    kept = ["a.png", f"a.png.{host}-{os.getpid()}-0.partial", f"a.png.elsewhere-{DEAD}-0.partial", "own.partial"]
    for name in (*left, *kept):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == set(kept)


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_what_is_left_of_the_longest_names_is_known_too(tmp_path: Path) -> None:
    names = [f"{letter * 251}.png" for letter in "ab"]
    for name in names:
        left = partial_name(tmp_path / name)
        left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{DEAD}-")).touch()
    remove_leftovers_of(tmp_path / names[0])
    assert len(os.listdir(tmp_path)) == 1, "the other file's is not its own"
    remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == []
