"""What is shown is kept as it was shown; where it goes is the affair of conf/run.yaml."""

import logging
import logging.config
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import hydra
import pytest
from omegaconf import OmegaConf
from rich.console import Console

from splatsr import shown
from splatsr.runs.configuration import CONF
from splatsr.shown import LOG, PlainFormatter, close_logs, show, show_table, show_warnings_as_lines
from splatsr.tables.text_table import TextTable

TABLE = TextTable("[red]Title", ["set", "x2"], [["a/b [x]", "37.12"]], 1)


def formatter_of_runs() -> logging.Formatter:
    """As the configuration makes it: Hydra's own format, which has the time and the logger in it, must not come through."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        composed = hydra.compose("run", return_hydra_config=True)
    settings = OmegaConf.to_container(composed.hydra.job_logging.formatters, resolve=True)["simple"]
    return logging.config.DictConfigurator({"version": 1}).configure_formatter(settings)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The log of a run, as conf/run.yaml has it."""
    logger, path = logging.getLogger(LOG), tmp_path / "run/train.log"
    path.parent.mkdir()
    handler = logging.FileHandler(path, delay=True)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield path
    logger.removeHandler(handler)
    handler.close()
    logger.setLevel(before[0])
    logger.propagate = before[1]


def test_lines_and_tables_are_kept_as_they_are_shown(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show("[red]one[/red] 100 % :smile:")
    show_table(TABLE)
    printed = capsys.readouterr().out
    assert printed == log.read_text()
    assert printed.splitlines() == ["[red]one[/red] 100 % :smile:", "", *TABLE.aligned()]


def test_a_terminal_gets_a_drawn_table_and_the_log_plain_columns(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "Console", lambda: Console(force_terminal=True, width=60, color_system=None))
    show_table(TABLE)
    drawn = capsys.readouterr().out
    assert "[red]Title" in drawn
    assert "a/b [x]" in drawn
    assert "|" not in drawn
    assert log.read_text().splitlines() == ["", *TABLE.aligned()]


def test_a_name_that_is_no_text_can_be_kept(log: Path) -> None:
    show(os.fsdecode(b"\xe9.png\n"))
    assert log.read_text() == "\\udce9.png\\n\n"


def test_a_log_is_not_made_where_the_folder_has_gone(log: Path) -> None:
    log.parent.rmdir()
    close_logs()
    show("nothing")
    assert not log.parent.exists()


def test_logs_are_closed_at_the_end(log: Path) -> None:
    show("one")
    (handler,) = [one for one in logging.getLogger(LOG).handlers if isinstance(one, logging.FileHandler)]
    close_logs()
    assert handler.stream is None
    assert handler not in logging.getLogger(LOG).handlers


def test_warnings_are_lines(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        show_warnings_as_lines()
        warnings.warn("mind\n the step", stacklevel=1)
    assert caplog.messages == ["mind the step"]
    formatter = formatter_of_runs()
    assert isinstance(formatter, PlainFormatter)
    assert formatter.format(caplog.records[0]) == "warning: mind the step"
    note = logging.LogRecord("x", logging.INFO, "", 0, "a note", (), None)
    assert formatter.format(note) == "a note"
