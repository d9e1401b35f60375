from pathlib import Path

import pytest

from splatsr.metrics.figure import scale_name
from splatsr.tables.compare import compare
from splatsr.tables.runs import incompatibility, read_run
from toy_runs import paper, toy_run, urban_run


def test_figures_of_a_set_are_found_by_any_of_its_names_and_bicubics_are_left_out(tmp_path: Path) -> None:
    run = read_run(urban_run(tmp_path / "urban"))
    assert [(figure.scale, figure.metric, figure.value) for figure in run.of_set("Urban100")] == [
        (4.0, "psnr_y", 27.6049), (6.0, "psnr_y", 25.1)
    ]  # fmt: skip
    assert not run.of_set("Set14")


def test_similarity_is_read_by_its_protocols_key(tmp_path: Path) -> None:
    row = {"ssim_y": 0.82106, "dists": 0.15, "fid": None, "lpips": None}
    run = read_run(toy_run(tmp_path / "run", {"Urban100": {"x4": row}}))
    (ours,) = (line for line in compare(paper("table2"), [run]) if line.kind == "ours")
    named = {column.heading: cell for column, cell in zip(paper("table2").columns, ours.cells, strict=True)}
    assert (named["SSIM x4"], named["DISTS x4"], named["FID x4"]) == (0.8211, 0.15, None)


def test_unlike_protocols_do_not_share_a_table(tmp_path: Path) -> None:
    table = paper("table1")
    figures = {"x4": {"psnr_y": 27.0}}

    def reason(name: str, *sets: str, protocol: str = "l_pil") -> str:
        folder = toy_run(tmp_path / name, dict.fromkeys(sets, figures), protocol=protocol)
        return incompatibility(read_run(folder), table)

    refusal = reason("b", "Urban100", protocol="b")
    assert f"{tmp_path / 'b'} was measured under protocol B, and Urban100 in table1 is protocol L-pil" in refusal
    assert "eight_bit True for False" in refusal
    assert "DIV2K in table1 is protocol L-pil-div2k" in reason("y", "DIV2K")
    assert "has no figure that stands in table1: it has Set5 (x4), and the table DIV2K (x4, x6, " in reason("s", "Set5")
    assert not reason("ok", "Urban100", "Set5")


def test_a_table_of_costs_takes_no_evaluation(tmp_path: Path) -> None:
    run = read_run(toy_run(tmp_path / "a", {"Set5": {"x4": {"psnr_y": 27.0}}}))
    assert incompatibility(run, paper("table4")).startswith("table4 holds nothing that an evaluation measures; ")


@pytest.mark.parametrize(
    ("table", "protocol", "set_name", "model", "encoder", "row"),
    [
        ("table16", "l_pil", "rain200h", "LIIF+DRSformer", None, "LIIF+DRSformer"),
        ("table16", "l_pil", "rain200h", "DRSformer+LIIF", None, "DRSformer+LIIF"),
        ("table16", "l_pil", "rain200h", "CiaoSR", "RDN", "CiaoSR, all in one"),
        ("table6", "l_pil", "rain200h", "ContinuousSR", "SwinIR", "ContinuousSR"),
        ("table9", "coz_published", "coz", "LMI", "EDSR", "LMI"),
        ("table3", "brats", "brats", "ContinuousSR", "HAT", "ContinuousSR (HAT)"),
    ],
)
def test_out_of_distribution_runs_stand_below_their_rows(
    table: str, protocol: str, set_name: str, model: str, encoder: str | None, row: str, tmp_path: Path
) -> None:
    """A row that names no encoder takes any."""
    column = paper(table).columns[0]
    metric = column.protocol.metric("psnr").name
    rows = {scale_name(column.scale): {metric: 12.25}}
    run = read_run(toy_run(tmp_path / "run", {set_name: rows}, protocol=protocol, model=model, encoder=encoder))
    assert not incompatibility(run, paper(table))
    lines = compare(paper(table), [run])
    place = next(index for index, line in enumerate(lines) if line.kind == "ours")
    assert lines[place - 1].name == row
    assert lines[place].cells[0] == 12.25
    assert lines[place + 1].kind == "difference"
