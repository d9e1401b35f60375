from pathlib import Path

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
    assert "has no figure that stands in table1" in reason("s", "Set5")
    assert not reason("ok", "Urban100", "Set5")
