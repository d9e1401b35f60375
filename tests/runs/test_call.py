import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from composed import settings_of
from splatsr.errors import InputError
from splatsr.jobs import doctor as doctor_job
from splatsr.runs.call import call_job, repeat
from splatsr.runs.run import Run
from splatsr.splatting import choice
from splatsr.splatting.choice import chosen_renderer


def test_a_job_gets_the_settings_that_it_names_and_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def doctor(*, seed: int, run: Run) -> tuple[int, Path, Any]:
        return seed, run.folder, run.settings["job"]["_target_"]

    monkeypatch.setattr(doctor_job, "doctor", doctor)
    settings = settings_of("job=doctor", "seed=5")
    assert call_job(settings) == (5, Path("outputs/composed"), "splatsr.jobs.doctor.doctor")


def test_every_job_draws_with_the_renderer_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cpu")
    monkeypatch.setattr(choice, "_asked", "auto")
    monkeypatch.setattr(doctor_job, "doctor", lambda: chosen_renderer(device).name)
    assert call_job(settings_of("job=doctor", "renderer=reference"), ["renderer=reference"]) == "reference"
    assert call_job(settings_of("job=doctor")) == "cpu"
    with pytest.raises(InputError, match="renderer"):
        call_job(settings_of("job=doctor", "renderer=cuda"))


def test_a_key_that_nothing_reads_is_refused() -> None:
    with pytest.raises(InputError, match="nothing reads the key 'sead'"):
        call_job({**settings_of("job=doctor"), "sead": 1})


def test_a_value_of_the_wrong_type_is_refused_before_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def doctor(*, seed: int) -> None:
        raise AssertionError("the job was called")

    monkeypatch.setattr(doctor_job, "doctor", doctor)
    with pytest.raises(InputError, match="seed"):
        call_job({**settings_of("job=doctor"), "seed": "many"})


def test_what_other_processes_do_can_be_sent_to_them() -> None:
    settings = settings_of("job=doctor")
    again = pickle.loads(pickle.dumps(repeat(Run(Path("folder"), settings))))
    assert again.func is call_job
    assert again.args == (settings,)


def test_resume_is_refused_where_nothing_goes_on() -> None:
    with pytest.raises(InputError, match="resume is for train and fit_prior.*job=doctor has nothing to go on with"):
        call_job({**settings_of("job=doctor"), "resume": "outputs/train/ours/now"})


def test_a_file_may_be_called_by_a_number() -> None:
    with pytest.raises(InputError, match="7: no such file"):
        call_job({**settings_of("job=upscale", "model=bicubic", "scale=2"), "input": 7, "output": "8.png"})


@pytest.mark.parametrize(
    "argument",
    [
        *("checkpoint=a.safetensors", "input=a.png", "scale=2", "suffix=_big", "runs=[a]", "+beside.b=c", "pictures=4"),
        *("trainer.devices=[1,2]", "++optimizer.lr=3", "~trainer.logger", "loss=mse", "model/encoder=hat", "metrics=null"),
        "callbacks=[]",
    ],
)
def test_what_only_other_jobs_read_is_refused_on_the_command_line(argument: str) -> None:
    name = re.split(r"\W", argument.strip("+~"))[0]
    with pytest.raises(InputError, match=f"job=doctor does not read {name}, which {re.escape(argument)} sets; leave it out"):
        call_job(settings_of("job=doctor"), ["job=doctor", "data.root=here", argument])


def test_what_every_run_has_or_a_file_sets_for_several_jobs_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_job, "doctor", lambda *, data: data["root"])
    asked = [
        "job=doctor",
        "experiment=ours",
        "debug=tiny",
        "seed=3",
        "data.root=here",
        "hydra.run.dir=there",
        "hydra/launcher=basic",
    ]
    settings = settings_of("job=doctor", "data.root=here")
    assert call_job({**settings, "compile": "inductor", "checkpoint": "a.ckpt"}, asked) == "here"
