from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr import __version__
from splatsr.errors import InputError
from splatsr.runs.run import Run, recorded_settings

SETTINGS = {
    "job": {"_target_": "splatsr.jobs.train.train"},
    "seed": 3,
    "resume": None,
    "data": {"train": "a", "workers": 2},
    "trainer": {"max_epochs": 10},
}
SAME = ("seed", "data.train", "trainer.max_epochs")


def run(folder: Path, **changes: Any) -> Run:
    return Run(folder, {**SETTINGS, **changes})


def goes_on(one: Run) -> bool:
    return one.goes_on(same=SAME, longer="trainer.max_epochs")


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    run(tmp_path).describe(rendering="")
    return tmp_path


def test_a_described_run_explains_itself(tmp_path: Path) -> None:
    run(tmp_path / "new").describe(rendering="point samples")
    assert recorded_settings(tmp_path / "new") == yaml.safe_load((tmp_path / "new/config.yaml").read_text()) == SETTINGS
    assert yaml.safe_load((tmp_path / "new/overrides.yaml").read_text()) == []
    lines = (tmp_path / "new/env.txt").read_text().splitlines()
    assert "seed: 3" in lines
    assert "rendering: point samples" in lines
    assert any(line.startswith("torch: 2.") for line in lines)
    assert f"splatsr: {__version__}" in lines


def test_the_machine_is_named_with_its_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    run(tmp_path).describe(rendering="")
    (machine,) = (line for line in (tmp_path / "env.txt").read_text().splitlines() if line.startswith("machine: "))
    assert machine.startswith("machine: GPU 0, GPU 1, ")
    assert machine.endswith(" cores")


def test_a_run_that_goes_on_says_so_and_keeps_what_it_began_with(begun: Path) -> None:
    (begun / "overrides.yaml").write_text("[seed=3]\n")
    run(begun, resume="auto", trainer={"max_epochs": 20}).describe(rendering="")
    assert (begun / "env.txt").read_text().count("command: ") == 2
    assert (begun / "overrides.yaml").read_text() == "[seed=3]\n"
    assert recorded_settings(begun)["trainer"]["max_epochs"] == 20


def test_a_run_goes_on_only_where_it_is_asked_to_and_can(tmp_path: Path) -> None:
    assert not goes_on(run(tmp_path))
    assert not goes_on(run(tmp_path, resume="auto"))
    with pytest.raises(InputError, match=r"no config.yaml there; expected the folder of a run"):
        goes_on(run(tmp_path, resume=str(tmp_path)))
    run(tmp_path).describe(rendering="")
    with pytest.raises(InputError, match="holds an unfinished run already; go on with resume="):
        goes_on(run(tmp_path))
    assert goes_on(run(tmp_path, resume="auto"))
    assert goes_on(run(tmp_path, resume=str(tmp_path)))
    (tmp_path / "metrics.json").touch()
    with pytest.raises(InputError, match="is finished already"):
        goes_on(run(tmp_path, resume="auto"))


def test_a_folder_belongs_to_one_run_of_one_job(begun: Path) -> None:
    other = run(begun, job={"_target_": "splatsr.jobs.evaluate.evaluate"})
    with pytest.raises(InputError, match="holds a run of job=train; nothing is mixed"):
        other.begins()
    with pytest.raises(InputError, match="holds a run of job=train"):
        run(begun, resume="auto", job={"_target_": "splatsr.jobs.fit_prior.fit_prior"}).goes_on(same=())


def test_a_finished_measurement_is_not_repeated_over_itself(tmp_path: Path) -> None:
    one = run(tmp_path, job={"_target_": "splatsr.jobs.evaluate.evaluate"})
    one.begins()
    one.describe(rendering="")
    one.begins()  # killed before it was done
    one.finished.touch()
    with pytest.raises(InputError, match=r"is finished already \(it has a metrics.json\)"):
        one.begins()


def test_what_changes_the_result_must_be_the_same_and_is_named(begun: Path) -> None:
    assert goes_on(run(begun, resume="auto", data={"train": "a", "workers": 0}, logger={"wandb": {}}))
    with pytest.raises(InputError, match=r"data.train was a and is b"):
        goes_on(run(begun, resume="auto", data={"train": "b", "workers": 2}))
    with pytest.raises(InputError, match=r"seed was 3 and is 4"):
        goes_on(run(begun, resume="auto", seed=4))
    with pytest.raises(InputError, match=r"trainer.max_epochs was 10 and is 5"):
        goes_on(run(begun, resume="auto", trainer={"max_epochs": 5}))


def test_more_epochs_are_not_another_result_also_of_a_finished_run(begun: Path) -> None:
    longer = {"max_epochs": 20}
    assert goes_on(run(begun, resume="auto", trainer=longer))
    (begun / "metrics.json").touch()
    assert goes_on(run(begun, resume=str(begun), trainer=longer))
    with pytest.raises(InputError, match="is finished already"):
        goes_on(run(begun, resume=str(begun)))
    with pytest.raises(InputError, match="seed was 3 and is 4"):
        goes_on(run(begun, resume=str(begun), trainer=longer, seed=4))


@pytest.mark.parametrize("content", ["", "a: [", "[1, 2]", "job: 3", "\xff", "a: &a [*a]"])
def test_a_damaged_configuration_is_one_line(content: str, begun: Path) -> None:
    (begun / "config.yaml").write_text(content, encoding="latin-1")
    for one in (run(begun), run(begun, resume="auto")):
        with pytest.raises(InputError, match=r"config.yaml is (damaged|refused)"):
            goes_on(one)


def test_other_processes_of_a_run_leave_the_judgement_to_the_first(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    assert not goes_on(run(begun))
    assert goes_on(run(begun, resume="auto"))


@pytest.mark.parametrize("left", ["checkpoints", "fields"])
def test_a_run_without_its_configuration_is_not_begun_anew(left: str, tmp_path: Path) -> None:
    (tmp_path / left).mkdir()
    with pytest.raises(InputError, match=f"holds {left} of a run, but no config.yaml"):
        goes_on(run(tmp_path))


def test_parts_that_only_watch_may_be_others(tmp_path: Path) -> None:
    callbacks = {"bar": {"_target_": "watching.Bar"}, "averaging": {"_target_": "changing.Mean", "decay": 0.9}}
    run(tmp_path, callbacks=callbacks).describe(rendering="")
    for others, fits in (
        ({"averaging": callbacks["averaging"], "dial": {"_target_": "watching.Dial"}}, True),
        ({**callbacks, "more": {"_target_": "changing.Steps"}}, False),
        ({"bar": callbacks["bar"]}, False),
    ):
        one = run(tmp_path, resume="auto", callbacks=others)
        if fits:
            assert one.goes_on(same=("callbacks",), watching=("watching.",))
        else:
            with pytest.raises(InputError, match=r"other settings: callbacks\.(more|averaging)\._target_ was"):
                one.goes_on(same=("callbacks",), watching=("watching.",))


def test_plugins_count_but_for_those_that_change_nothing(tmp_path: Path) -> None:
    watching, plugins = ("lightning.pytorch.plugins.io.",), [{"_target_": "lightning.pytorch.plugins.io.TorchCheckpointIO"}]
    half = {"_target_": "lightning.pytorch.plugins.precision.HalfPrecision", "precision": "bf16-true"}
    run(tmp_path, trainer={"plugins": []}).describe(rendering="")
    again = run(tmp_path, resume="auto", trainer={"plugins": plugins})
    assert again.goes_on(same=("trainer.plugins",), watching=watching)
    with pytest.raises(InputError, match=r"started with other settings: trainer.plugins was \[\] and is"):
        run(tmp_path, resume="auto", trainer={"plugins": [half]}).goes_on(same=("trainer.plugins",), watching=watching)
