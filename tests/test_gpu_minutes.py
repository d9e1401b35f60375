"""The script for machines with a GPU runs on one without: its parts at toy sizes, its record, a part that fails."""

import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from splatsr.runs.configuration import CONF

SCRIPT = CONF.parent / "benchmarks" / "gpu_minutes.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=True)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A file of the script, by its name."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module


@pytest.fixture
def measure(module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict]:
    """Measures one part, "scales", whose rows the generator makes; what is in the file then."""
    script = module("gpu_minutes")

    def measured(rows: Iterator[int], minutes: float = 1.0) -> dict:
        monkeypatch.setitem(script.PARTS, "scales", lambda toy: ({"scale": row} for row in rows))
        script.measure(["scales"], minutes, True, tmp_path / "record.json")
        return json.loads((tmp_path / "record.json").read_text())

    return measured


def breaks_after(rows: int) -> Iterator[int]:
    yield from range(rows)
    raise RuntimeError("out of memory")


def scales(parts: dict) -> list[int]:
    return [row["scale"] for row in parts["scales"]["rows"]]


def test_earlier_rows_stay_until_a_part_is_whole(measure: Callable[..., dict], tmp_path: Path) -> None:
    assert scales(measure(iter([7, 8, 9]))["parts"]) == [7, 8, 9]

    record = measure(breaks_after(2))
    assert scales(record["parts"]) == [7, 8, 9]
    assert scales(record["unfinished"]) == [0, 1]
    assert record["failed"] == {"scales": "RuntimeError: out of memory"}

    def looks_meanwhile() -> Iterator[int]:
        for row in range(4, 7):
            yield row
            kept = json.loads((tmp_path / "record.json").read_text())
            assert scales(kept["parts"]) == [7, 8, 9]
            assert row < 5 or scales(kept["unfinished"]) == [*range(4, row + 1)], "each row is kept once it is there"

    record = measure(looks_meanwhile())
    assert scales(record["parts"]) == [4, 5, 6]
    assert (record["unfinished"], record["failed"]) == ({}, {})


def test_a_part_that_is_cut_short_is_no_whole_one(measure: Callable[..., dict]) -> None:
    def takes_too_long() -> Iterator[int]:
        yield 1
        time.sleep(0.4)
        yield 2
        raise AssertionError("no row is begun after the minutes")

    record = measure(takes_too_long(), minutes=0.3 / 60)
    assert (record["parts"], record["failed"]) == ({}, {})
    assert scales(record["unfinished"]) == [1, 2]
    assert scales(measure(breaks_after(0))["unfinished"]) == [1, 2], "a worse attempt does not take its place"
    assert scales(measure(breaks_after(1))["unfinished"]) == [1, 2]
    assert scales(measure(breaks_after(3))["unfinished"]) == [0, 1, 2]


def test_every_part_is_told_with_its_date_and_its_machine(module: Callable[[str], ModuleType]) -> None:
    tables = module("gpu_tables")
    one, other = ({"device": name, "torch": "2", "triton": "3", "gsplat": "1"} for name in ("H100", "H200"))
    made = {
        "rendering": {"date": "2026-11-27", "machine": one},
        "loader": {"date": "2026-11-28", "machine": one},
        "gsplat": {"date": "2026-11-28", "machine": other},
        "scales": {"date": "2026-11-27", "machine": one},
    }
    assert tables.origins(made, whole=["rendering", "loader", "scales"]) == (
        "(2026-11-27: rendering, scales; 2026-11-28: loader): H100, torch 2, Triton 3, gsplat 1; "
        "(2026-11-28: gsplat (cut short)): H200, torch 2, Triton 3, gsplat 1"
    )
    assert tables.missing(tables.RENDERING, made) == "; not measured: published"
    assert tables.missing(["loader"], made) == ""


def test_the_pages_show_what_was_measured(
    module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tables, section = module("gpu_tables"), module("section")
    pages = [SCRIPT.parent / "README.md", tables.PAGE]
    copies = [tmp_path / f"{index}.md" for index in range(2)]
    for page, copy in zip(pages, copies, strict=True):
        copy.write_text(page.read_text())
    own = dict(zip(pages, copies, strict=True))
    monkeypatch.setattr(tables, "write_section", lambda name, text, page=pages[0]: section.write_section(name, text, own[page]))
    tables.write_tables(json.loads((SCRIPT.parent / "results/gpu_minutes.json").read_text()))
    assert [copy.read_text() for copy in copies] == [page.read_text() for page in pages]


def test_tests_are_counted_up_to_where_pytest_was_cut_off(
    module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tests = module("gpu_tests")
    (file := tmp_path / "test_some.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.parametrize('name', ['one', 'one of many'])\ndef test_right(name): pass\n\n"
        "@pytest.mark.parametrize('name', ['none at all'])\ndef test_wrong(name): assert not name\n\n"
        "def test_left_out(): pytest.skip('for a reason')\n"
    )
    (row,) = tests.tested([file], [], 120)
    wrong = [f"{file.name}::test_wrong[none at all]"]
    assert [name.rsplit("/", 1)[-1] for name in row.pop("names_of_failed")] == wrong
    assert row == {"files": [str(file)], "tests": 4, "passed": 2, "failed": 1, "skipped": 1, "cut_off": False}
    said = (tmp_path / "gpu_minutes_tests.log").read_text()
    assert tests.outcomes(said[: said.index("::test_wrong")]) == {"tests": 4, "passed": 2, "names_of_failed": []}

    rows = tests.tested([file], [], 0.1)
    assert next(rows)["cut_off"]
    with pytest.raises(RuntimeError, match="ended with status -9"):
        next(rows)


def test_loading_is_timed_once_every_process_has_made_two_batches(
    module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = module("gpu_training")
    clock = [0.0]

    def batches() -> Iterator[dict]:
        for index in range(training._batches(3, 12)["batches_per_epoch"]):
            clock[0] += 100.0 if index < 6 else 2.0
            yield {"index": index}

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    data = SimpleNamespace(setup=lambda stage: None, train_dataloader=batches)
    taken = []
    assert training._crops_per_s(data, 3, taken.append) == training.LOADED / 2
    assert len(taken) == 6 + 12


@pytest.mark.slow
def test_rows_are_kept_and_a_part_that_fails_does_not_hold_up_the_next(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    said = run(tmp_path, "--toy", "--parts", "rendering", "gsplat", "scales", "published").stdout
    record = json.loads((tmp_path / "gpu_toy.json").read_text())
    rows = {name: made["rows"] for name, made in record["parts"].items()}
    assert [row["scale"] for row in rows["scales"]] == [4, 5]
    assert len(rows["rendering"]) == 2
    assert all(max(row["errors"].values()) < 1e-4 for row in rows["rendering"])
    assert rows["published"][0]["encode_ms"] > 0
    assert list(record["failed"]) == ["gsplat"], "without a GPU gsplat's functions cannot run"
    assert "scales took" in said


@pytest.mark.slow
def test_the_parts_that_train_run_too(tmp_path: Path) -> None:
    run(tmp_path, "--toy", "--parts", "training", "precision", "encoders", "loader", "archives", "processes", "compile")
    record = json.loads((tmp_path / "gpu_toy.json").read_text())
    rows = {name: made["rows"] for name, made in record["parts"].items()}
    assert record["failed"] == {}
    assert {row["precision"] for row in rows["training"]} == {"bf16-mixed", "32-true"}
    assert rows["encoders"][0]["tflop_per_s"] > 0
    assert [row["steps"] for row in rows["precision"]] == [3, 6]
    assert [row["decode_on"] for row in rows["archives"]] == ["host", "device"]
    assert rows["processes"][0]["gradient_difference"] < 1e-4
