"""A table as text: what people see in a terminal, and what Markdown is made from."""

from collections.abc import Iterator
from typing import NamedTuple


class TextTable(NamedTuple):
    """A title above headings and rows; the first `text_columns` columns are words, the others numbers."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    text_columns: int

    def aligned(self) -> list[str]:
        """Its lines in columns of equal width, words to the left, numbers to the right; the title is the first line."""
        grid = [self.headings, *self.rows]
        widths = [max(len(cell) for cell in column) for column in zip(*grid, strict=True)]
        rule = ["-" * width for width in widths]
        lines = ["  ".join(map(self._padded, row, widths, range(len(widths)))) for row in (self.headings, rule, *self.rows)]
        return [self.title, *(line.rstrip() for line in lines)]

    def within(self, width: int) -> Iterator["TextTable"]:
        """The table in parts that are at most `width` characters wide, each with the words and some of the numbers."""
        widths = [max(len(row[index]) for row in (self.headings, *self.rows)) + 3 for index in range(len(self.headings))]
        start = self.text_columns
        while True:
            end, used = start, 1 + sum(widths[: self.text_columns])
            while end < len(widths) and (end == start or used + widths[end] <= width):
                used, end = used + widths[end], end + 1
            yield self._replace(
                headings=self.headings[: self.text_columns] + self.headings[start:end],
                rows=[row[: self.text_columns] + row[start:end] for row in self.rows],
            )
            if end == len(widths):
                return
            start = end

    def _padded(self, cell: str, width: int, index: int) -> str:
        return cell.ljust(width) if index < self.text_columns else cell.rjust(width)
