from pathlib import Path

from splatsr.tables.compare import compare
from splatsr.tables.runs import read_run
from toy_runs import paper, toy_run, urban_run


def test_a_run_stands_below_its_row_with_the_difference(tmp_path: Path) -> None:
    table, urban = paper("table1"), urban_run(tmp_path / "urban")
    lines = compare(table, [read_run(urban)])
    first = [line.name for line in lines].index("ContinuousSR, Ours (SwinIR)")
    assert [line.kind for line in lines[first : first + 4]] == ["paper", "ours", "difference", "paper"]
    ours, difference = lines[first + 1 : first + 3]
    assert ours.cells[:3] == [27.60, 25.10, None]
    assert difference.cells[:3] == [-0.05, 0.08, None]
    assert all(cell is None for cell in ours.cells[2:])
    assert f"{urban} (ContinuousSR, SwinIR, 15.9 M)" == ours.name


def test_a_run_of_another_model_stands_at_the_end_without_a_difference(tmp_path: Path) -> None:
    run = read_run(toy_run(tmp_path / "edsr", {"LSDIR": {"x4": {"psnr_y": 26.0}}}, encoder="EDSR"))
    lines = compare(paper("table1"), [run])
    assert lines[-1].kind == "ours"
    assert [line.kind for line in lines].count("difference") == 0
