"""Text as Hydra's command line reads it back: the same text, whatever is in it."""

import re


def quoted(text: str) -> str:
    """In double quotes, with what Hydra would read otherwise escaped: quotes, backslashes before them, and ${...}."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
    return '"' + escaped.replace("${", "\\${") + '"'
