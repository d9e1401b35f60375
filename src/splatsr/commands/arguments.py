"""What commands take: argparse, with errors as one line like everywhere else."""

import argparse
from typing import NoReturn

from splatsr.errors import InputError


class Parser(argparse.ArgumentParser):
    """A command's options. Texts of `--help` keep their line breaks, and options are not abbreviated."""

    def __init__(self, command: str, *, usage: str, about: str, examples: str = "") -> None:
        super().__init__(
            prog=f"splatsr {command}",
            usage=usage,
            description=about,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """InputError in place of argparse's usage and exit."""
        raise InputError(f"{message.rstrip('.')}; `{self.prog} --help` shows what there is.")
