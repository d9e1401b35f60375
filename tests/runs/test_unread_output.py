import os
import subprocess
import sys

from splatsr.runs.unread_output import STATUS, discard, is_unread


def test_a_pipe_is_unread_once_its_reader_has_gone() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        assert not is_unread(stream)
        os.close(reader)
        assert is_unread(stream)
        stream.write("nobody reads this")
        discard(stream)
        assert not is_unread(stream)


def test_what_is_no_pipe_is_never_unread() -> None:
    with open(os.devnull, "w") as stream:
        assert not is_unread(stream)
    assert not is_unread(stream), "closed"


def test_help_that_nobody_reads_ends_quietly() -> None:
    command = [sys.executable, "-c", "import sys; from splatsr.runs.command_line import main; sys.exit(main())", "--help"]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (STATUS, "")
