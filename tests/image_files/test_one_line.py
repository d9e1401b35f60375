import logging
import os

import pytest

from splatsr.image_files.one_line import one_line, say_once


@pytest.mark.parametrize(
    ("text", "line"),
    [("plain [red] ä 日本", "plain [red] ä 日本"), ("a\nb\r\t", r"a\nb\r\t"), ("\x1b[31m", r"\x1b[31m"), ("\u2028", r"\u2028")],
)
def test_what_would_break_a_line_or_a_terminal_is_escaped(text: str, line: str) -> None:
    assert one_line(text) == line


def test_undecodable_bytes_can_be_printed() -> None:
    assert one_line(os.fsdecode(b"\xe9.png")).encode() == rb"\udce9.png"


def test_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for text in ("a %s\n", "a %s\n", "b"):
            say_once(text)
    assert [record.getMessage() for record in caplog.records] == [r"a %s\n", "b"]
