"""A compared table as Markdown, CSV and LaTeX; empty cells stay empty."""

import csv
import io
from collections.abc import Sequence

from splatsr.disk.markdown import markdown_table
from splatsr.metrics.protocol import Protocol
from splatsr.tables.compare import Line
from splatsr.tables.paper import PaperTable
from splatsr.tables.text_table import TextTable

MISPRINT = "*"
"""Behind a figure that looks like a misprint."""

_LATEX = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def heading(table: PaperTable) -> list[str]:
    """Names of the printed columns."""
    return ["", "method", *(column.heading for column in table.columns)]


def body(table: PaperTable, lines: Sequence[Line]) -> list[list[str]]:
    """The printed cells, row by row."""
    decimals = [column.decimals for column in table.columns]
    texts = [[_text(line.kind, *cell) for cell in zip(line.cells, decimals, strict=True)] for line in lines]
    return [
        [line.kind, line.name, *(text + MISPRINT * (index in line.misprints) for index, text in enumerate(row))]
        for line, row in zip(lines, texts, strict=True)
    ]


def caption(table: PaperTable) -> list[str]:
    """Source, the protocols of our rows, and what is missing; one sentence group per line."""
    shared: dict[Protocol, list[str]] = {}
    for column in table.columns:
        if column.protocol is not None and column.set_name not in shared.setdefault(column.protocol, []):
            shared[column.protocol].append(column.set_name)
    ours = [f"{', '.join(sets)}: protocol {protocol.name} ({_protocol(protocol)})" for protocol, sets in shared.items()]
    misprints = [f"{MISPRINT} As printed; it looks like a misprint."] if any(row.misprints for row in table.rows) else []
    return [f"Paper: {table.source}.", *([f"Ours on {'; '.join(ours)}."] if ours else []), table.note, *misprints]


def to_markdown(table: PaperTable, lines: Sequence[Line]) -> str:
    """A Markdown table below its title and above its caption."""
    text = markdown_table(heading(table), body(table, lines), text_columns=2)
    return f"**{table.title}**\n\n{text}\n\n" + "\n\n".join(caption(table)) + "\n"


def to_text(table: PaperTable, lines: Sequence[Line]) -> TextTable:
    """The table alone, for a terminal."""
    return TextTable(table.title, heading(table), body(table, lines), 2)


def to_csv(table: PaperTable, lines: Sequence[Line]) -> str:
    """Cells alone; the caption is in the other two."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["kind", *heading(table)[1:]], *body(table, lines)])
    return out.getvalue()


def to_latex(table: PaperTable, lines: Sequence[Line]) -> str:
    """A `table` environment for the booktabs package."""
    rows = [" & ".join(map(_latex, row)) + r" \\" for row in (heading(table), *body(table, lines))]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_latex(' '.join([table.title + '.', *caption(table)]))}}}",
            rf"\begin{{tabular}}{{ll{'r' * len(table.columns)}}}",
            r"\toprule",
            rows[0],
            r"\midrule",
            *rows[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _text(kind: str, value: float | None, decimals: int) -> str:
    if value is None:
        return ""
    return f"{value:+.{decimals}f}" if kind == "difference" else f"{value:.{decimals}f}"


def _protocol(protocol: Protocol) -> str:
    described = protocol.describe()
    kind = "Y" if protocol.luminance else "RGB"
    return f"{kind}; LR images: {described['lr_images']}; shave: {described['shave']}; {described['rounding']}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
