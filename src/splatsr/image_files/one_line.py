"""Names of files as text: on one line, and printable whatever bytes they are made of."""

import logging
from functools import cache

log = logging.getLogger(__name__)


def one_line(text: object) -> str:
    r"""str(text) with line breaks, control characters and undecodable bytes escaped: \n, \x1b, \udce9."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(text))


@cache
def say_once(text: str) -> None:
    """A warning in the log, on one line, the first time that it is said in this process."""
    log.warning("%s", one_line(text))
