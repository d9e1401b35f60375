import importlib
import pkgutil
from pathlib import Path

import pytest

from composed import protocol_of
from splatsr import models
from splatsr.image.model import Model
from splatsr.runs.configuration import CONF
from splatsr.tables.compare import compare
from splatsr.tables.paper import same_set
from splatsr.tables.render import to_markdown
from toy_runs import paper

MODELS = {
    found
    for one in pkgutil.iter_modules(models.__path__, "splatsr.models.")
    for found, value in vars(importlib.import_module(one.name)).items()
    if isinstance(value, type) and issubclass(value, Model)
}
NAMES = sorted(path.stem for path in (CONF / "table").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_complete_as_data(name: str) -> None:
    table = paper(name)
    assert table.name == name
    assert table.title
    assert table.note
    assert "Table" in table.source
    for row in table.rows:
        assert set(row.run) in (set(), {"model"}, {"model", "encoder"})
        assert set(str(row.run.get("model", "LIIF")).split("+")) <= MODELS, "no class of that name would ever stand there"
        for set_name, protocol in {(column.set_name, column.protocol) for column in table.columns if column.metric == "psnr"}:
            if row.misprints:
                continue
            values = [value for _, value in sorted(table.points(set_name, "psnr", protocol).get(row.name, []))]
            assert values == sorted(values, reverse=True), f"{row.name} gets better at larger scales: a slip of the pen"
    assert table.note in to_markdown(table, compare(table, []))


def test_the_papers_tables_are_all_there() -> None:
    """18 of ContinuousSR, of which its ablations are one more together, and 6 of GaussianSR."""
    names = {
        *(f"table{number}" for number in range(1, 19)),
        *(f"gaussiansr_table{number}" for number in range(1, 7)),
        "ablations",
    }
    assert set(NAMES) == names
    figures = {name: sum(value is not None for row in paper(name).rows for value in row.cells) for name in NAMES}
    assert all(figures.values())
    assert figures["ablations"] == sum(figures[f"table{number}"] for number in (5, 12, 13, 14, 15, 17)) == 48
    assert figures["table1"] == 330
    assert figures["table2"] == 210
    assert figures["gaussiansr_table1"] == 114


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ablations"])
def test_every_figure_is_the_one_that_the_paper_prints(name: str) -> None:
    """Row by row, against what was read from the papers for this test."""
    lines = [line.split(" | ") for line in (Path(__file__).parent / "paper_figures.txt").read_text().splitlines()[1:]]
    printed = [[float(figure) for figure in figures.split()] for table, _, figures in lines if table == name]
    ours = [figures for row in paper(name).rows if (figures := [value for value in row.cells if value is not None])]
    assert ours == printed


def test_the_ablations_are_the_rows_of_their_tables() -> None:
    rows = [(row.name, row.members) for number in (5, 12, 13, 14, 15, 17) for row in paper(f"table{number}").rows]
    assert [(row.name, row.members) for row in paper("ablations").rows] == rows


def test_misprints_are_printed_as_they_are_and_marked() -> None:
    table = paper("gaussiansr_table6")
    text = to_markdown(table, compare(table, []))
    assert "20.0229*" in text
    assert "looks like a misprint" in text
    assert "misprint" not in to_markdown(paper("table2"), [])
    marked = {name for name in NAMES if any(row.misprints for row in paper(name).rows)}
    assert marked == {"table11", "table16", "gaussiansr_table6"}


def test_points_of_a_curve() -> None:
    points = paper("table1").points("Urban100", "psnr", protocol_of("l_pil"))
    assert points["ContinuousSR, Ours (SwinIR)"][:4] == [(4, 27.65), (6, 25.02), (8, 23.53), (10, 22.54)]
    assert len(points["RDN-SRNO"]) == 10
    assert paper("table1").points("div2k_valid_hr", "psnr", protocol_of("l_pil_div2k"))["GSASR"][0] == (4, 29.63)
    assert not paper("table1").points("Urban100", "psnr", protocol_of("b")), "points of another protocol"


def test_sets_have_several_names() -> None:
    assert same_set("B100", "BSD100")
    assert same_set("DIV2K_valid_HR", "div2k")
    assert not same_set("Set5", "Set14")
