"""Values that mean nothing, for every kind of setting: one line that names the setting, before anything is read or written.

Settings are composed once; each case changes one value and calls the job.
"""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from composed import changed, settings_of
from splatsr.errors import InputError
from splatsr.runs.call import call_job
from splatsr.runs.configuration import instantiate

UNFIT = ("EarlyStopping", "LearningRateFinder", "BatchSizeFinder", "BackboneFinetuning", "StochasticWeightAveraging", "Timer")

BASE = ("debug=tiny", "table=table18", "data.root=null")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seed", (-1, 2**32, 1.5, None, True, math.inf)),
        ("checkpoint", ("", 3, [], {})),
        ("scales", (0, [], [0.5], [math.inf], [math.nan], ["a"], [[2, 3]], None, [1e308])),
        ("scale", (0, -1, math.inf, math.nan, "a", [], [1], [1, 2, 3], [1, 0], 1e308, True)),
        ("size", (0, 3, [1], [0, 1], [1.5, 1], "a", [0, None])),
        ("window", (0, [1], [[1, 2]], [[1, 2], [3]], [[1, 2], [-1, 3]], [[1, 2], [3, math.nan]], [1, 2, 3, 4], "a", True)),
        ("bits", (7, 17, 0, None, 10.5, "a", True)),
        ("tile", (0, -1, None, 1.5, "some", [1], True)),
        ("pictures", (-1, None, 1.5, True)),
        ("beside", (3, [1], {"x": 3}, {"x": None}, None)),
        ("runs", (3, "folder", [], [3], {})),
        ("device", ("gpu", None, 3)),
        ("model.encoder.channels", (0, -1, None, 1.5, "a", [1], {}, True, 10**30)),
        ("model.encoder.blocks", (0, -1, 10**6)),
        ("model.encoder.upscale", (0, 5, -1, "2")),
        ("model.encoder.input_mean", ("text", math.nan, -1, 2)),
        ("model.shapes.embedding_hidden", ([0], [-1], 3, [None], ["a"])),
        ("model.positions.offset_range", (0, -1, math.inf, math.nan)),
        ("model.reference_scale", (-1, math.nan, None, "a")),
        ("model.encoder", (None, 3, "edsr", {}, [])),
        ("data.low_resolution", (None, 3, {})),
        ("data.workers", (-1, 1.5, None)),
        ("data.batch_size", (0, -1, 10**30)),
        ("data.patch", (0, -1, None)),
        ("data.patch_of", ("sr", None, 3)),
        ("data.scale_range", ([3, 2], [2], [2, math.inf], [0, 2], 3, None)),
        ("data.skip_damaged", ("maybe", None, 1)),
        ("data.validation_scales", ([0], [math.nan], 4, None)),
        ("optimizer.lr", (-1, 0, math.inf, math.nan, None, "a")),
        ("optimizer.betas", ([0.9], [0.9, 1], [0.9, -1], 0.9, [])),
        ("schedule.warmup_steps", (-1, 1.5, None)),
        ("supervision", (None, {}, 3)),
        ("callbacks.averaging.decay", (2, 1, -1, math.nan, None)),
        ("callbacks.averaging", (3, "a", [], {})),
        ("callbacks.dashboard.pictures", (-1,)),
        ("trainer.devices", (0, -1, [], [-1], None, 1.5, True)),
        ("trainer.precision", ("bf16-true", "64-true", "16-true", "transformer-engine", 3)),
        ("trainer.gradient_clip_val", (-1, math.inf, math.nan, "a")),
        ("trainer.check_val_every_n_epoch", (0, -1)),
        ("trainer.log_every_n_steps", (0, -1)),
        ("protocol.shave_limit", (-1, 1.5)),
        ("protocol.crop", ("some", None)),
        ("table.columns", (None, 3, {"Set5": 3})),
        ("benchmark.repetitions", (0, -1, None)),
        ("benchmark.average_time.lr_sizes", (None, [], [[1]], [[0, 1]], [3])),
        ("benchmark.average_time.scales", ([8, 4], [4], [0, 4], None)),
        ("benchmark.average_time.seconds", (-1, 0, math.nan, None)),
        ("benchmark.one_scale.hr_side", (0, -1, None)),
        ("benchmark.one_scale.scales", ([], [0], None)),
        ("benchmark.memory", (None, 3, [])),
        ("benchmark.models", (None, 3, [], {"x": "liif"})),
        ("prior.fitting.color_range", ([2, 1], [1], None, [0, math.nan])),
        ("prior.fitting.l21_range", ([1], [], 3)),
        ("prior.fitting.kernels_per_pixel", (0, -1, math.inf)),
        ("prior.dictionary.levels", ([1], [0, 1, 1], None, 3)),
        ("prior.sensitivity.deviations", ([], [0], [-1], [math.nan])),
        ("prior.crops", (0, -1, None)),
        ("loss._target_", ("torch.nn.ReLU", "os.getcwd", 3, None, "", "torch.nn", "splatsr.training.losses.torch")),
        ("optimizer._target_", ("os.getcwd", "torch.nn.L1Loss", "torch.optim.lr_scheduler", "torch.optim.SparseAdam")),
        ("loss._target_", ("torch.nn.CTCLoss", "torch.nn.CrossEntropyLoss", "torch.nn.GaussianNLLLoss")),
        ("callbacks.rate_monitor", tuple({"_target_": f"lightning.pytorch.callbacks.{one}"} for one in UNFIT)),
        ("optimizer._partial_", (False, None, 3)),
        ("loss._partial_", (True, "a")),
        ("job._target_", ("os.getcwd", "splatsr.jobs.train.Path", "splatsr.runs.run.Run", None, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("job", ["train", "doctor"])
def test_nonsense_is_one_line_that_names_the_setting(job: str, name: str, values: tuple[Any, ...], tmp_path: Path) -> None:
    settings = {**settings_of("job=train", *BASE), "job": settings_of(f"job={job}")["job"], "run_dir": str(tmp_path / "run")}
    for value in values:
        with pytest.raises(InputError) as refusal:
            call_job(changed(settings, name, value))
        line = str(refusal.value)
        assert line.startswith(("nothing reads ", name)) or (name == "scales" and "scales" in line), (value, line)
        assert not any(word in line for word in ("None", "NoneType", "dict'", "__init__", "object has no", "True", "False")), (
            line
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("experiment", ["tiny", "quickstart", "compare/continuoussr", "tiny_released"])
def test_every_optimizer_goes_with_an_experiment_for_adam(experiment: str) -> None:
    for optimizer in ("adam", "adamw", "adan"):
        settings = settings_of(f"experiment={experiment}", f"optimizer={optimizer}")["optimizer"]
        make = instantiate(settings, "optimizer")
        assert list(make([torch.nn.Parameter(torch.zeros(2))]).defaults["betas"]) == settings["betas"]
    assert settings_of(f"experiment={experiment}")["optimizer"]["betas"] == [0.9, 0.99]


def test_adan_has_three_momenta(tmp_path: Path) -> None:
    settings = settings_of("job=train", "debug=tiny", "optimizer=adan")
    settings = {**settings, "run_dir": str(tmp_path / "run")}
    with pytest.raises(InputError, match="^optimizer.betas must be a list of 3 numbers"):
        call_job(changed(settings, "optimizer.betas", [0.9, 0.999]))


def test_no_training_begins_whose_model_file_would_be_refused(tmp_path: Path) -> None:
    settings = {**settings_of("job=train", *BASE), "run_dir": str(tmp_path / "run")}
    with pytest.raises(InputError, match="these settings: model.reference_scale is 99999; models have whole numbers from 0"):
        call_job(changed(settings, "model.reference_scale", 99999))
    assert not (tmp_path / "run/checkpoints").exists()


@pytest.mark.parametrize("group", [{"decimals": 2}, {"labels": ["a"], "decimals": -1}, {"labels": 3, "decimals": 1}, {}])
def test_columns_of_a_table_are_checked_before_a_training(group: dict[str, Any], tmp_path: Path) -> None:
    settings = {**settings_of("job=train", *BASE), "run_dir": str(tmp_path / "run")}
    with pytest.raises(InputError, match=r"^table\.columns\.Set5"):
        call_job(changed(settings, "table.columns.Set5", group))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("model.reference_scale", math.inf), ("model.reference_scale", 0), ("trainer.gradient_clip_val", None)],
)
def test_values_that_mean_something_pass(name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from splatsr.jobs import doctor

    monkeypatch.setattr(doctor, "doctor", lambda *, data: "called")
    settings = {**settings_of("job=train", *BASE), "job": settings_of("job=doctor")["job"]}
    assert call_job(changed(settings, name, value)) == "called"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (("job=evaluate", "model=bicubic", "scales=[1000]"), "too small to be reduced by 1000"),
        (("job=evaluate", "model=bicubic", "scales=[240]"), "is too small for x240"),
        (("job=train", "debug=tiny", "scales=[1000]"), "too small to be reduced by 1000"),
        (("job=train", "model=liif", "supervision=queries", "supervision.count=1000000", "debug=tiny"), "the smallest has"),
        (("job=train", "model=liif", "supervision=queries", "loss=l1_frequency", "debug=tiny"), "compares whole crops"),
        (("job=train", "data/degradation=[camera,pil]", "debug=tiny"), "camera makes LR images by itself"),
        (("job=train", "debug=tiny", "trainer.max_epochs=-1"), "the schedule ends with the training"),
        (("job=train", "debug=tiny", "+trainer.max_steps=0"), "trainer.max_steps must be at least 1"),
        (("job=train", "debug=tiny", "+trainer.fast_dev_run=true"), "trainer.fast_dev_run keeps no weights"),
        (("job=train", "debug=tiny", "+trainer.callbacks=[]"), "nothing reads trainer.callbacks"),
        (("job=sensitivity", "input=nowhere"), "nowhere is not a run of job=fit_prior"),
        (("job=fit_prior", "prior/dictionary=sampled", "prior.crops=1", "prior.side=4"), "prior.dictionary.rows="),
        (("job=fit_prior", "prior.dictionary.levels=[1000,1000,1000]"), "prior.dictionary would have 1000000001 rows"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_said_before_anything_is_written(
    overrides: tuple[str, ...], line: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=line):
        call_job(settings_of(*overrides, f"run_dir={tmp_path}/run"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ("callbacks=[progress]", "callbacks.last is left out"),
        ("callbacks=[]", "this job reads 'callbacks'"),
        ("callbacks.validation.metrics=[ssim] data.validation_scales=[2]", "callbacks.best keeps the highest val/psnr"),
        ("protocol.metrics=[foo]", "protocol.metrics: there is no metric 'foo'"),
        ("protocol.shave_limit=-1", "protocol.shave_limit must be a whole number of at least 0, or null; got -1"),
        ("data.batches_per_epoch=0", "data.batches_per_epoch must be a whole number from 1 to 1000000000; got 0"),
        ("data.batch_size=0", "data.batch_size must be a whole number from 1 to 1000000; got 0"),
        ("data.validation_scales=[0]", "data.validation_scales must be a list of numbers from 1 to 100000; got [0]"),
        ("seed=-1", "seed must be a whole number from 0"),
        ("seed=abc", "seed must be a whole number from 0"),
        ("scales=[[2,3]]", "scales must be a list of 1 or more numbers from 1 to 100000; got [[2, 3]]"),
        ("trainer.max_epochs=0", "trainer.max_epochs must be at least 1; got 0"),
        ("trainer.accelerator=gpu", "trainer: "),
        ("+model.foo=1", "nothing reads model.foo"),
        ("+optimizer.weigth_decay=1", "nothing reads optimizer.weigth_decay; did you mean 'weight_decay'?"),
        ("+prior.foo=1", "nothing reads prior.foo"),
        ("+job.foo=1", "nothing reads job.foo"),
        ("benchmark.repetitions=x", "benchmark.repetitions must be a whole number"),
        ("optimizer.lr=-1", "optimizer.lr must be a number greater than 0; got -1"),
        ("schedule=step schedule.every_epochs=0", "schedule.every_epochs must be a whole number of at least 1; got 0"),
        ("schedule.warmup_steps=-1", "schedule.warmup_steps must be a whole number of at least 0; got -1"),
        ("model.initialisation=null", "model.initialisation must be"),
        ("model.encoder=null", "model.encoder must be"),
        ("model.encoder.channels=-8", "model.encoder.channels must be a whole number from 1 to 65536; got -8"),
        (
            "data/degradation=camera data.degradation.camera.sinc.side=[6,8]",
            "camera.sinc.side must be two odd numbers of pixels",
        ),
        ("data/degradation=camera data.degradation.camera.first.blur.shapes=[1,0]", "first.blur.shapes must be a list of 6"),
        ("loss._target_=torch.nn.NoLoss", "loss._target_ is 'torch.nn.NoLoss', which does not exist"),
    ],
)
def test_wrong_settings_of_a_training_are_said_before_it(overrides: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(line)):
        call_job(settings_of("job=train", "debug=tiny", *overrides.split(), f"run_dir={tmp_path}/run"))
    assert list(tmp_path.iterdir()) == []
