"""Lines on the terminal that hold names of files, or what stands in them: printed as they are, whatever that is."""

from rich.console import Console

from splatsr.image_files.one_line import one_line


def print_line(text: str, *, error: bool = False) -> None:
    """Prints one line, on stderr for an `error`.

    Brackets and colons mean nothing in it; what the terminal's encoding lacks is escaped.
    """
    console = Console(stderr=error)
    console.print(printable(text, console.encoding), soft_wrap=True, markup=False, emoji=False, highlight=False)


def printable(text: object, encoding: str | None) -> str:
    """The text on one line, with what moves cursors or is not in the encoding (of the terminal) escaped."""
    encoding = encoding or "utf-8"
    return one_line(text).encode(encoding, "backslashreplace").decode(encoding)
