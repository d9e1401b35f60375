import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
import torch
from safetensors.torch import load_file

from composed import settings_of
from splatsr.errors import InputError
from splatsr.heads.dictionary import file_dictionary
from splatsr.image.field import GaussianField
from splatsr.jobs.dictionary import dictionary
from splatsr.jobs.fit_prior import fit_prior
from splatsr.jobs.sensitivity import sensitivity
from splatsr.prior import collection
from splatsr.runs.configuration import CONF
from splatsr.runs.run import Run

QUICK = ("job=fit_prior", "data=folder", "data.workers=0", "prior.crops=5", "prior.side=16", "prior.batch=2",
         "prior.fitting.steps=6", "prior/fitting=adam", "data.seed=0")  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")


def settings(photographs: Path, *overrides: str) -> dict:
    return settings_of(*QUICK, f"data.train={photographs}", *overrides)


def run(folder: Path, photographs: Path, *overrides: str, resume: str | None = None) -> dict:
    chosen = settings(photographs, *overrides)
    chosen["resume"] = resume
    return fit_prior(prior=chosen["prior"], data=chosen["data"], trainer=chosen["trainer"], run=Run(folder, chosen))


def test_a_run_leaves_fields_figures_a_picture_and_a_dictionary(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = run(tmp_path / "run", photographs)
    assert json.loads((tmp_path / "run/statistics.json").read_text()) == results
    assert (results["crops"], results["kernels"], len(results["psnr_per_crop"])) == (5, 5 * 64, 5)
    assert sum(results["histograms"]["l11"]["counts"]) == 5 * 64
    report = (tmp_path / "run/prior.md").read_text()
    assert "5 crops of 16x16 pixels, 0.25 kernels per pixel, cholesky, 6 steps of adam 0.01, exact gradient" in report
    assert report in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "run/fields").iterdir()) == [
        f"{index:05d}.{ending}" for index in range(3) for ending in ("json", "safetensors")
    ]
    field = GaussianField.load(tmp_path / "run/fields/00001.safetensors")
    crops = json.loads((tmp_path / "run/fields/00001.json").read_text())["crops"]
    assert (field.means.shape, field.size, [crop["number"] for crop in crops]) == ((2, 64, 2), (16, 16), [2, 3])
    assert [crop["psnr"] for crop in crops] == results["psnr_per_crop"][2:4]
    assert matplotlib.image.imread(tmp_path / "run/pictures/prior.png").std() > 0.02
    assert file_dictionary(file=str(tmp_path / "run/dictionary.safetensors")).shape == (730, 3)
    with pytest.raises(InputError, match="finished already"):
        run(tmp_path / "run", photographs)


def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole", photographs)
    save, saved = collection.save_chunk, []

    def killed_at_the_second(folder: Path, index: int, **content: Any) -> None:
        saved.append(index)
        if saved == [0, 1]:
            content["field"].save(folder / "00001.safetensors")  # its .json is not there yet
            raise KeyboardInterrupt
        save(folder, index, **content)

    monkeypatch.setattr(collection, "save_chunk", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", photographs)
    assert not (tmp_path / "broken/statistics.json").exists()
    with pytest.raises(InputError, match="holds 1 of 3 chunks of fitted crops: finish the run first"):
        dictionary(prior=settings(photographs)["prior"], input=str(tmp_path / "broken"), output=str(tmp_path / "d.safetensors"))
    with pytest.raises(InputError, match="go on with resume="):
        run(tmp_path / "broken", photographs)
    with pytest.raises(InputError, match="prior.crops was 5 and is 4"):
        run(tmp_path / "broken", photographs, "prior.crops=4", resume=str(tmp_path / "broken"))
    untouched = (tmp_path / "broken/fields/00000.safetensors").stat().st_mtime_ns
    resumed = run(tmp_path / "broken", photographs, resume=str(tmp_path / "broken"))
    assert saved == [0, 1, 1, 2]
    assert (tmp_path / "broken/fields/00000.safetensors").stat().st_mtime_ns == untouched
    assert {**resumed, "process_seconds": 0} == {**whole, "process_seconds": 0}
    assert not list((tmp_path / "broken").rglob("*.partial"))


@pytest.mark.slow
@pytest.mark.timeout(600)  # two processes are started
def test_two_processes_that_go_on_are_one(photographs: Path, tmp_path: Path) -> None:
    alone = run(tmp_path / "one", photographs)
    (tmp_path / "two/fields").mkdir(parents=True)
    for name in ("config.yaml", "fields/00000.json", "fields/00000.safetensors"):  # as if one had been killed then
        shutil.copy(tmp_path / "one" / name, tmp_path / "two" / name)
    finished = (tmp_path / "two/fields/00000.safetensors").stat().st_mtime_ns
    two = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32-true"]
    overrides = [*QUICK, f"data.train={photographs}", f"hydra.run.dir={tmp_path / 'two'}", f"resume={tmp_path / 'two'}"]
    command = [sys.executable, str(CONF.parent / "run.py"), *overrides, *two]
    resumed = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert resumed.stdout.count("The prior of fitted kernels") == 1
    assert (tmp_path / "two/fields/00000.safetensors").stat().st_mtime_ns == finished
    assert not list((tmp_path / "two").rglob("*.partial"))
    together = json.loads((tmp_path / "two/statistics.json").read_text())
    assert {**together, "process_seconds": 0} == {**alone, "process_seconds": 0}
    for index in range(3):
        one, other = (load_file(tmp_path / f"{name}/fields/{index:05d}.safetensors") for name in ("one", "two"))
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (("data.train=null",), "nothing to train on"),
        (("prior.crops=50",), "3 photographs hold 36 crops of 16x16 pixels, and prior.crops asks for 50"),
        (("prior.side=64",), "larger than every photograph"),
        (("prior.batch=0",), "prior.batch must be a whole number"),
        (("prior.fitting.optimizer=sgd",), "prior.fitting.optimizer must be one of adan, adam"),
        (("prior.kernels=some",), "prior.kernels must be one of all, visible"),
    ],
)
def test_wrong_input_shows_before_the_first_crop(
    photographs: Path, tmp_path: Path, overrides: tuple[str, ...], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        run(tmp_path / "run", photographs, *overrides)
    assert not (tmp_path / "run").exists()


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no images"):
        run(tmp_path / "run", tmp_path / "empty")


def test_dictionaries_of_any_size(photographs: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", photographs)
    for kind, rows in (("sampled", 100), ("normal", 500)):
        prior = settings(photographs, f"prior/dictionary={kind}", f"prior.dictionary.rows={rows}", "prior.kernels=visible")[
            "prior"
        ]
        file = tmp_path / f"{kind}.safetensors"
        dictionary(prior=prior, input=str(tmp_path / "run"), output=str(file))
        assert file_dictionary(file=str(file)).shape == (rows, 3)
        with pytest.raises(InputError, match="exists already"):
            dictionary(prior=prior, input=str(tmp_path / "run"), output=str(file))


def test_noise_is_measured_on_a_finished_run_or_on_one_of_its_own(photographs: Path, tmp_path: Path) -> None:
    chosen = settings(photographs, "job=sensitivity", "prior.sensitivity.deviations=[0.05]", "prior.crops=2")
    given = {name: chosen[name] for name in ("prior", "data", "trainer")}
    own = sensitivity(**given, input=None, run=Run(tmp_path / "own", chosen))
    other = sensitivity(**given, input=str(tmp_path / "own"), run=Run(tmp_path / "other", chosen))
    assert own == other == json.loads((tmp_path / "other/sensitivity.json").read_text())
    assert (own["crops"], own["seeds"]) == (2, 3)
    assert "| colors |" in (tmp_path / "own/sensitivity.md").read_text()
    with pytest.raises(InputError, match="not a run of job=fit_prior"):
        sensitivity(**given, input=str(tmp_path), run=Run(tmp_path / "third", chosen))
