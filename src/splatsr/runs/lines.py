"""Lines on the terminal that hold names of files, or what stands in them: printed as they are, whatever that is."""

from rich.console import Console

from splatsr.shown import printable


def print_line(text: str, *, error: bool = False) -> None:
    """Prints one line, on stderr for an `error`; for jobs without a log, others take `shown.show`.

    Brackets and colons mean nothing in it; what the terminal's encoding lacks is escaped.
    """
    console = Console(stderr=error)
    console.print(printable(text, console.encoding), soft_wrap=True, markup=False, emoji=False, highlight=False)
