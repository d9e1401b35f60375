"""Lines on the terminal that hold names of files: printed as they are, whatever is in them."""

from rich.console import Console

from splatsr.image_files.one_line import one_line


def print_line(text: str, *, error: bool = False) -> None:
    """Prints one line, on stderr for an `error`.

    Brackets and colons mean nothing in it; what the terminal's encoding lacks is escaped.
    """
    console = Console(stderr=error)
    printable = one_line(text).encode(console.encoding, "backslashreplace").decode(console.encoding)
    console.print(printable, soft_wrap=True, markup=False, emoji=False, highlight=False)
