"""The script for machines with a GPU runs on one without: its parts at toy sizes, its record, a part that fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from splatsr.runs.configuration import CONF

SCRIPT = CONF.parent / "benchmarks" / "gpu_minutes.py"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=True)


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")
def test_rows_are_kept_and_a_part_that_fails_does_not_hold_up_the_next(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    said = run(tmp_path, "--toy", "--parts", "rendering", "gsplat", "scales", "published").stdout
    record = json.loads((tmp_path / "gpu_toy.json").read_text())
    assert [row["scale"] for row in record["parts"]["scales"]] == [4, 5]
    assert len(record["parts"]["rendering"]) == 2
    assert all(max(row["errors"].values()) < 1e-4 for row in record["parts"]["rendering"])
    assert record["parts"]["published"][0]["encode_ms"] > 0
    assert list(record["failed"]) == ["gsplat"], "without a GPU gsplat's functions cannot run"
    assert "scales took" in said


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")
def test_the_parts_that_train_run_too(tmp_path: Path) -> None:
    run(tmp_path, "--toy", "--parts", "training", "precision", "encoders", "loader", "archives", "processes", "compile")
    record = json.loads((tmp_path / "gpu_toy.json").read_text())
    assert record["failed"] == {}
    assert {row["precision"] for row in record["parts"]["training"]} == {"bf16-mixed", "32-true"}
    assert record["parts"]["encoders"][0]["tflop_per_s"] > 0
    assert [row["steps"] for row in record["parts"]["precision"]] == [3, 6]
    assert [row["decode_on"] for row in record["parts"]["archives"]] == ["host", "device"]
    assert record["parts"]["processes"][0]["gradient_difference"] < 1e-4
