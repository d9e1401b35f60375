"""A multirun whose members fail or are missing, and how it goes on."""

import json
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch
import yaml

from splatsr.runs.command_line import main
from splatsr.runs.multirun import draw
from splatsr.tables.members import cells, read_members
from toy_runs import toy_member, toy_run


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    monkeypatch.chdir(home)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(sys, "argv", ["run.py", "-m", *arguments])
    return main()


@pytest.mark.slow
def test_a_failing_member_leaves_the_other_alone_and_resume_finishes_it(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later, folder = tmp_path / "later", tmp_path / "many"
    settings = ["job=evaluate", "model=bicubic", "data=folder", "scales=[2]", "pictures=0", "hydra.launcher.n_jobs=2"]
    settings += [f"data.test={photographs},{later}"]
    assert run(monkeypatch, tmp_path, *settings, f"hydra.sweep.dir={folder}") == 1
    assert "1 of 2 runs are not finished" in capsys.readouterr().err.strip().splitlines()[-1]
    first, second = json.loads((folder / "multirun.json").read_text())["cells"]
    assert first["figures"]["photographs"]["x2"]["psnr_y"]["runs"] == 1
    assert (second["figures"], second["members"][0]["state"][:22]) == ({}, "failed: folder " + str(later)[:7])
    row = next(line for line in (folder / "multirun.md").read_text().splitlines() if f"`{later}`" in line)
    assert "0 of 1" in row
    assert "does not exist" in row
    assert (folder / "ablation.png").stat().st_size > 0

    measured = (folder / "0/metrics.json").stat().st_mtime_ns
    photographs.rename(later)  # what the first member needs is gone, too: it must not run again
    assert run(monkeypatch, tmp_path, *settings, f"resume={folder}") == 0
    assert (folder / "0/metrics.json").stat().st_mtime_ns == measured
    states = [cell["members"][0]["state"] for cell in json.loads((folder / "multirun.json").read_text())["cells"]]
    assert states == ["finished", "finished"]
    assert "failed" not in (folder / "multirun.md").read_text()


@pytest.mark.slow
def test_a_killed_member_goes_on_from_its_checkpoint(
    tiny_run: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "many"
    settings = [*tiny_run, "trainer.max_epochs=8", "seed=1", f"hydra.sweep.dir={folder}"]

    def kill_the_member() -> None:
        deadline = time.monotonic() + 150
        while not (folder / "0/checkpoints/last.ckpt").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        for child in psutil.Process().children():
            if any(str(folder / "0") in word for word in child.cmdline()):
                child.kill()

    killer = threading.Thread(target=kill_the_member)
    killer.start()
    assert run(monkeypatch, tmp_path, *settings) == 1
    killer.join()
    assert "1 of 1 runs are not finished" in capsys.readouterr().err
    assert yaml.safe_load((folder / "0/state.yaml").read_text())["state"] == "failed"
    reached = torch.load(folder / "0/checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert 0 < reached < 32, "killed too late to show anything"

    assert run(monkeypatch, tmp_path, *settings, f"resume={folder}") == 0
    assert (folder / "0/metrics.json").is_file()
    steps = (folder / "0/output.txt").read_text()
    assert steps.count("epoch 1/8") == 1, "it began again"
    assert steps.count("epoch 8/8") == 1


def test_resuming_what_is_no_multirun_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, "seed=0,1", f"resume={tmp_path}") == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "no multirun.yaml there" in line


def test_a_page_of_all_ablations_needs_no_run_of_most(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    member = tmp_path / "outputs/multirun/now/0"
    member.mkdir(parents=True)
    (member / "overrides.yaml").write_text("[experiment=ablation/offset_range, model.positions.offset_range=2, seed=1]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "job=ablations", "runs=[outputs]", "hydra.run.dir=page"])
    assert main() == 0
    page = (tmp_path / "page/ablations.md").read_text()
    assert "| `2` | 0 of 1 |  |  | 28.17 | 0 unfinished |" in page
    cells = json.loads((tmp_path / "page/ablations.json").read_text())["modules"]
    assert len(cells) == 6
    assert not any(cell["members"] for cell in cells)


def test_runs_without_figures_have_no_picture_of_figures(tmp_path: Path) -> None:
    toy_member(tmp_path, 0, None, "seed=0")
    toy_run(tmp_path / "0", {})
    found = cells(read_members(tmp_path))
    assert found[0].finished
    draw(found, tmp_path)
    assert not (tmp_path / "ablation.png").exists()
