import csv
from pathlib import Path

from splatsr.tables.compare import compare
from splatsr.tables.render import to_csv, to_latex, to_markdown
from splatsr.tables.runs import read_run
from toy_runs import paper, urban_run


def test_files_hold_the_same_cells_and_empty_ones_stay_empty(tmp_path: Path) -> None:
    table = paper("table1")
    lines = compare(table, [read_run(urban_run(tmp_path / "urban"))])
    rows = list(csv.reader(to_csv(table, lines).splitlines()))
    assert all(len(row) == 2 + len(table.columns) for row in rows)
    ours = next(row for row in rows if row[0] == "difference")
    assert ours[2:5] == ["-0.05", "+0.08", ""]
    markdown = to_markdown(table, lines)
    assert "| -0.05 | +0.08 |  |" in markdown
    assert "Urban100, LSDIR: protocol L-pil (Y;" in markdown
    assert "DIV2K: protocol L-pil-div2k (RGB;" in markdown
    latex = to_latex(table, lines)
    assert latex.count(r" \\") == len(rows)
    assert latex.count("&") == len(rows) * (1 + len(table.columns))
    assert r"\_" in latex or "_" not in latex.replace(r"\_", "")
