import io
import os
import sys

import pytest

from splatsr.runs.lines import print_line
from splatsr.shown import printable


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_name_is_printed_on_one_line_as_it_is(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    name = "[red]a[/red] :smile: " + 30 * "long " + "\n日本" + os.fsdecode(b"\xe9.png")
    print_line(name)
    stream.flush()
    printed = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert printed.count("\n") == 1
    assert printed.startswith("[red]a[/red] :smile: long ")
    assert printed.endswith(("日本" if encoding == "utf-8" else "\\u65e5\\u672c") + "\\udce9.png\n")


def test_errors_go_to_the_other_stream(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("fine")
    print_line("bad", error=True)
    assert capsys.readouterr() == ("fine\n", "bad\n")


@pytest.mark.parametrize(("encoding", "letter"), [("ascii", "\\xe9"), ("utf-8", "é"), (None, "é")])
def test_what_a_strict_stream_would_refuse_is_escaped(encoding: str | None, letter: str) -> None:
    assert printable("é \ud800\x1b[31m\n", encoding) == f"{letter} \\ud800\\x1b[31m\\n"
