import pytest

from splatsr.runs import progress
from splatsr.runs.progress import along, share_done


def test_items_pass_unchanged() -> None:
    assert list(along(iter("abc"), 3, "spelling")) == ["a", "b", "c"]


def test_a_file_gets_a_line_for_every_tenth_and_none_for_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    with share_done("enlarging") as tell:
        for share in (0.05, 0.12, 0.14, 0.35, 0.99, 1.0):
            tell(share)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("enlarging: ")]
    assert [line.split(" after ")[0] for line in lines] == ["enlarging: 10 %", "enlarging: 30 %", "enlarging: 90 %"]
    assert all(line.endswith(" s left") for line in lines)


def test_what_is_done_in_seconds_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with share_done("enlarging") as tell:
        for share in (0.2, 0.5, 1.0):
            tell(share)
    assert "enlarging: " not in capsys.readouterr().out
