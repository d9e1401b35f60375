import csv
import json
import logging
import sys
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from composed import protocol_of, settings_of
from splatsr.errors import InputError
from splatsr.jobs import table as table_job
from splatsr.metrics.record import SCHEMA
from splatsr.runs.command_line import main
from splatsr.runs.configuration import CONF, instantiate
from splatsr.runs.run import Run
from splatsr.tables.compare import compare
from splatsr.tables.paper import PaperTable, same_set
from splatsr.tables.render import to_csv, to_latex, to_markdown
from splatsr.tables.runs import misfit, read_run

NAMES = sorted(path.stem for path in (CONF / "table").glob("*.yaml"))


@cache
def paper(name: str) -> PaperTable:
    return instantiate(settings_of(f"table={name}")["table"], "table")


def toy_run(folder: Path, sets: dict[str, dict[str, dict]], *, protocol: str = "l_pil", encoder: str = "SwinIR") -> Path:
    """A run's metrics.json with made-up figures."""
    folder.mkdir(parents=True)
    record = {
        "schema": SCHEMA, "protocol": protocol_of(protocol).describe(), "checkpoint": "model.safetensors",
        "model": {"name": "ContinuousSR", "encoder": encoder, "parameters": 15_922_156},
        "rendering": None, "sets": sets, "images": {}, "missing": {},
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def urban(tmp_path: Path) -> Path:
    rows = {"x4": {"psnr_y": 27.6049, "bicubic_psnr_y": 23.1}, "x6": {"psnr_y": 25.1, "bicubic_psnr_y": 21.0}}
    return toy_run(tmp_path / "urban", {"urban100": rows, "Set5": {"x2": {"psnr_y": 38.0}}})


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_complete_as_data(name: str) -> None:
    table = paper(name)
    assert table.name == name
    assert table.title
    assert table.note
    assert "Table" in table.source or "not at hand" in table.source
    for row in table.rows:
        assert set(row.run) in (set(), {"model", "encoder"})
        for set_name, protocol in {(column.set_name, column.protocol) for column in table.columns if column.metric == "psnr"}:
            values = [value for _, value in sorted(table.points(set_name, "psnr", protocol).get(row.name, []))]
            assert values == sorted(values, reverse=True), f"{row.name} gets better at larger scales: a slip of the pen"
    assert table.note in to_markdown(table, compare(table, []))


def test_the_papers_tables_are_all_there() -> None:
    numbers = {f"table{number}" for number in (1, 2, 7, 11, 18)}  # those with figures
    assert numbers | {f"gaussiansr_table{number}" for number in (1, 2)} <= set(NAMES)
    assert all(any(value is not None for row in paper(name).rows for value in row.cells) for name in NAMES)


def test_points_of_a_curve() -> None:
    points = paper("table1").points("Urban100", "psnr", protocol_of("l_pil"))
    assert points["ContinuousSR, Ours (SwinIR)"] == [(4, 27.65), (6, 25.02), (8, 23.53), (12, 21.79)]
    assert len(points["RDN-SRNO"]) == 10
    assert paper("table1").points("div2k_valid_hr", "psnr", protocol_of("l_pil_div2k"))["GSASR"][0] == (4, 29.63)
    assert not paper("table1").points("Urban100", "psnr", protocol_of("b")), "points of another protocol"


def test_a_run_stands_below_its_row_with_the_difference(urban: Path) -> None:
    table = paper("table1")
    lines = compare(table, [read_run(urban)])
    place = [line.name for line in lines].index("ContinuousSR, Ours (SwinIR)")
    assert [line.kind for line in lines[place : place + 4]] == ["paper", "ours", "difference", "paper"]
    ours, difference = lines[place + 1 : place + 3]
    assert ours.cells[:3] == [27.60, 25.10, None]
    assert difference.cells[:3] == [-0.05, 0.08, None]
    assert all(cell is None for cell in ours.cells[2:])
    assert f"{urban} (ContinuousSR, SwinIR, 15.9 M)" == ours.name


def test_a_run_of_another_model_stands_at_the_end_without_a_difference(tmp_path: Path) -> None:
    run = read_run(toy_run(tmp_path / "edsr", {"LSDIR": {"x4": {"psnr_y": 26.0}}}, encoder="EDSR"))
    lines = compare(paper("table1"), [run])
    assert lines[-1].kind == "ours"
    assert [line.kind for line in lines].count("difference") == 0


def test_files_hold_the_same_cells_and_empty_ones_stay_empty(urban: Path) -> None:
    table = paper("table1")
    lines = compare(table, [read_run(urban)])
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


def test_similarity_is_read_by_its_protocols_key(tmp_path: Path) -> None:
    row = {"ssim_y": 0.82106, "dists": 0.15, "fid": None, "lpips": None}
    run = read_run(toy_run(tmp_path / "run", {"Urban100": {"x4": row}}))
    (ours,) = (line for line in compare(paper("table2"), [run]) if line.kind == "ours")
    assert ours.cells == [0.8211, 0.15, None, None]


def test_unlike_protocols_do_not_share_a_table(tmp_path: Path) -> None:
    table = paper("table1")
    figures = {"x4": {"psnr_y": 27.0}}
    told = misfit(read_run(toy_run(tmp_path / "b", {"Urban100": figures}, protocol="b")), table)
    assert f"{tmp_path / 'b'} was measured under protocol B, and Urban100 in table1 is protocol L-pil" in told
    assert "eight_bit True for False" in told
    assert "DIV2K in table1 is protocol L-pil-div2k" in misfit(read_run(toy_run(tmp_path / "y", {"DIV2K": figures})), table)
    assert "has no figure that stands in table1" in misfit(read_run(toy_run(tmp_path / "s", {"Set5": figures})), table)
    assert not misfit(read_run(toy_run(tmp_path / "ok", {"Urban100": figures, "Set5": figures})), table)


def test_sets_have_several_names() -> None:
    assert same_set("B100", "BSD100")
    assert same_set("DIV2K_valid_HR", "div2k")
    assert not same_set("Set5", "Set14")


def run_line(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", ["run.py", "job=table", *arguments])
    return main()


def test_the_job_prints_paper_ours_and_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, urban: Path
) -> None:
    figures = {"DIV2K_valid_HR": {"x4": {"psnr_rgb": 29.81}}}
    other = toy_run(tmp_path / "hat", figures, protocol="l_pil_div2k", encoder="HAT")
    assert run_line(monkeypatch, tmp_path, "table=table1", f"runs=[{urban},{other}]", "hydra.run.dir=out") == 0
    printed = capsys.readouterr().out
    assert "| paper | ContinuousSR, Ours (SwinIR) | 27.65 | 25.02 |" in printed
    assert f"| ours | {urban} (ContinuousSR, SwinIR, 15.9 M) | 27.60 | 25.10 |  |" in printed
    assert "| difference | ours - ContinuousSR, Ours (SwinIR) | -0.05 | +0.08 |  |" in printed
    assert f"| ours | {other} (ContinuousSR, HAT, 15.9 M) |" in printed
    assert "+0.01" in printed
    files = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file())
    assert files == ["table.log", "table1.csv", "table1.md", "table1.tex"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "choose a table of conf/table/"),
        (["table=table1", "runs=[nowhere]"], "nowhere/metrics.json does not exist"),
        (["table=table1", "runs=[old]"], "old/metrics.json has schema None, expected 2"),
        (["table=table1", "runs=[torn]"], "torn/metrics.json is damaged"),
        (["table=table1", "runs=old"], "runs must be a list of folders"),
        (["table=table1", "runs=[rounded]"], "rounded was measured under protocol B, and Urban100 in table1 is protocol L-pil"),
        (["table=table99"], "table=table99 does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], told: str
) -> None:
    toy_run(tmp_path / "rounded", {"Urban100": {"x4": {"psnr_y": 27.0}}}, protocol="b")
    for name, content in {"old": '{"Set5": {}}', "torn": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(content)
    assert run_line(monkeypatch, tmp_path, *arguments) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line
    assert not [*tmp_path.rglob("*.md"), *tmp_path.rglob("*.tex")]


def test_runs_below_outputs_are_found_and_those_that_do_not_fit_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figures = {"Urban100": {"x4": {"psnr_y": 27.0}}}
    fits = toy_run(tmp_path / "outputs/train/ours/1", figures)
    toy_run(tmp_path / "outputs/evaluate/2", figures, protocol="b")
    (toy_run(tmp_path / "outputs/evaluate/3", figures) / "metrics.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.WARNING)
    runs = table_job._found(paper("table1"))
    assert [run.folder for run in runs] == [fits.relative_to(tmp_path)]
    assert "left out: outputs/evaluate/2 was measured under protocol B" in caplog.text
    assert "left out: outputs/evaluate/3/metrics.json has schema None" in caplog.text


def test_wandb_gets_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, urban: Path) -> None:
    logged: dict[str, Any] = {}

    class Recorder:
        def log_table(self, **content: Any) -> None:
            logged.update(content)

    monkeypatch.setattr(table_job, "open_loggers", lambda *_: nullcontext([Recorder()]))
    settings = settings_of("table=table7", "logger=wandb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="urban has no figure that stands in table7"):
        table_job.table(table=settings["table"], runs=[urban], logger=settings["logger"], run=Run(Path("out"), settings))
    assert not logged
    table_job.table(table=settings["table"], runs=None, logger=settings["logger"], run=Run(Path("out"), settings))
    assert logged["key"] == "table7"
    assert logged["columns"][:3] == ["kind", "method", "Set5 x4"]
    assert ["paper", "ContinuousSR", "32.93", "29.67", "27.55", "25.18", "29.18", "27.94", "32.19"] in logged["data"]
