import errno
import json
from pathlib import Path

import pytest

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
