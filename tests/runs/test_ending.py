import sys

import pytest

from splatsr.errors import InputError
from splatsr.runs.ending import run_to_end


def said(error: Exception) -> str | None:
    return str(error) if isinstance(error, InputError) else None


def test_a_user_error_is_a_line_and_one(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise InputError("so\nwrong\x1b")

    assert run_to_end(work, said, []) == 1
    assert capsys.readouterr().err == "error: so\\nwrong\\x1b\n"


def test_lines_of_the_work_itself_count_too(capsys: pytest.CaptureFixture[str]) -> None:
    refusals: list[str] = []
    assert run_to_end(lambda: refusals.append("a member failed"), said, refusals) == 1
    assert capsys.readouterr().err == "error: a member failed\n"
    assert run_to_end(lambda: None, said, []) == 0


def test_what_several_members_say_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    refusals = ["b is damaged", "a is damaged", "b is damaged"]
    assert run_to_end(lambda: None, said, refusals) == 1
    assert capsys.readouterr().err == "error: b is damaged\nerror: a is damaged\n"


def test_a_defect_is_raised_and_an_interruption_is_not() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(ZeroDivisionError):
        run_to_end(lambda: 1 / 0, said, [])
    assert run_to_end(interrupted, said, []) == 130


def test_closed_streams_are_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    def wrong() -> None:
        sys.stdout.write("said to nobody")
        raise InputError("wrong")

    assert run_to_end(lambda: sys.stdout.write("said to nobody"), said, []) == 0
    assert run_to_end(wrong, said, []) == 1
    sys.stdout.close()
    sys.stderr.close()


def test_a_full_standard_output_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run_to_end(lambda: full.write("text"), said, []) == 1
    assert "error: standard output cannot be written: No space left" in capsys.readouterr().err
