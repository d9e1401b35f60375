"""Several tables of a paper as one."""

from collections.abc import Mapping

from splatsr.tables.paper import PaperTable


class JoinedTable(PaperTable):
    """The rows of all parts, one part after the other, under the columns of all.

    Args:
        name: of the file in conf/table/.
        title: what it is.
        source: where the figures were read.
        note: what a reader must know to compare with them.
        parts: tables, by name.
    """

    def __init__(self, *, name: str, title: str, source: str, note: str, parts: Mapping[str, PaperTable]) -> None:
        self.name, self.title, self.source, self.note = name, title, source, note
        columns = {column.heading: column for part in parts.values() for column in part.columns}
        place = {heading: index for index, heading in enumerate(columns)}
        self.columns, self.rows = list(columns.values()), []
        for part in parts.values():
            places = [place[column.heading] for column in part.columns]
            for row in part.rows:
                cells: list[float | None] = [None] * len(place)
                for index, value in zip(places, row.cells, strict=True):
                    cells[index] = value
                self.rows.append(row._replace(cells=cells, misprints=frozenset(places[index] for index in row.misprints)))
