"""Tables in Markdown, as every report of the suite has them."""

from collections.abc import Iterable, Sequence


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int) -> str:
    """The lines of a table, without a line break at the end.

    The first `text_columns` columns are aligned to the left, the others, of numbers, to the right. A `|` in a cell is escaped.
    """
    rule = ["---"] * text_columns + ["---:"] * (len(headings) - text_columns)
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in (headings, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:]))
