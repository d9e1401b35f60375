"""What people see: lines and tables on the terminal, and the same in the log of the run, <job>.log in its folder.

conf/run.yaml gives the log its file; where Hydra does not run (notebooks, tests) nothing is kept.
"""

import logging
import warnings
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from splatsr.image_files.one_line import one_line
from splatsr.tables.text_table import TextTable

LOG = "splatsr.shown"
"""The logger whose lines go to the log alone."""


def show(text: str, *, error: bool = False) -> None:
    """Prints one line, on stderr for an `error`, and keeps it.

    Brackets and colons mean nothing in it; what the terminal's encoding lacks is escaped.
    """
    console = Console(stderr=error)
    console.print(printable(text, console.encoding), soft_wrap=True, markup=False, emoji=False, highlight=False)
    keep(one_line(text))


def show_table(table: TextTable) -> None:
    """Prints a table, below a free line: drawn on a terminal, in parts where it is wider than that; elsewhere plain columns."""
    console = Console()
    for part in table.within(console.width) if console.is_terminal else ():
        console.print(_drawn(part))
    if not console.is_terminal:
        for line in ("", *table.aligned()):
            console.print(printable(line, console.encoding), soft_wrap=True, markup=False, emoji=False, highlight=False)
    keep("\n".join(["", *map(one_line, table.aligned())]))


def keep(text: str) -> None:
    """Writes to the log what the terminal has shown already."""
    logger = logging.getLogger(LOG)
    if logger.handlers:  # elsewhere (in the process of a multirun) it would be shown once more
        logger.info("%s", text)


def printable(text: object, encoding: str | None) -> str:
    """The text on one line, with what moves cursors or is not in the encoding (of the terminal) escaped."""
    encoding = encoding or "utf-8"
    return one_line(text).encode(encoding, "backslashreplace").decode(encoding)


def show_warnings_as_lines() -> None:
    """Lets Python's warnings be lines like any other, without the place in the program that they come from."""

    def line(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        logging.getLogger("py.warnings").warning("%s", " ".join(str(message).split()))

    warnings.showwarning = line


def close_logs() -> None:
    """Closes the files of logs; those that nothing was written to are not made later, in a folder that was removed again."""
    for logger in (logging.getLogger(), logging.getLogger(LOG)):
        for handler in list(logger.handlers):
            if isinstance(handler, logging.FileHandler):
                logger.removeHandler(handler)
                handler.close()


class PlainFormatter(logging.Formatter):
    """Lines of other loggers as people read them: "warning: ..." for a warning, the message alone for a note."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = super().format(record)
        return message if record.levelno <= logging.INFO else f"{record.levelname.lower()}: {message}"


def _drawn(table: TextTable) -> Table:
    drawn = Table(title=escape(table.title), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for index, heading in enumerate(table.headings):
        left = index < table.text_columns
        drawn.add_column(escape(heading), justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    return drawn
