import math
from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from torch.utils.data import DataLoader

from composed import settings_of
from splatsr.data.evaluation_pairs import Pair
from splatsr.errors import InputError
from splatsr.metrics.evaluation import predict
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine, step
from splatsr.training.supervision import OnCrops, OnQueries

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")


def task(**changes: object) -> SuperResolution:
    settings = {
        "model_config": settings_of(*SMALL)["model"], "loss": torch.nn.L1Loss(), "seed": 0, "supervision": OnCrops(),
        "optimizer": partial(torch.optim.Adam, lr=4e-3), "schedule": partial(cosine, warmup_steps=0),
    }  # fmt: skip
    return SuperResolution(**{**settings, **changes})


def fit(
    module: SuperResolution,
    steps: int,
    batch: dict,
    max_epochs: int = 1,
    ckpt_path: Path | None = None,
    **settings: object,
) -> lightning.Trainer:
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=max_epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, **settings,
    )  # fmt: skip
    trainer.fit(module, DataLoader([batch] * steps, batch_size=None), ckpt_path=ckpt_path, weights_only=True)
    return trainer


def batch() -> dict:
    hr = torch.nn.functional.interpolate(torch.rand(2, 3, 4, 4), size=(24, 24), mode="bicubic").clamp(0, 1)
    lr = torch.nn.functional.interpolate(hr, size=(12, 12), mode="bicubic", antialias=True)
    return {"lr": lr, "hr": hr, "scale": 2.0, "seeds": [0, 1]}


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_loss_falls(precision: str) -> None:
    module, data = task(), batch()
    with torch.no_grad():
        before = module.loss(module.model(data["lr"]).render(scale=2.0), data["hr"])
    fit(module, 60, data, precision=precision)
    with torch.no_grad():
        after = module.loss(module.model(data["lr"]).render(scale=2.0), data["hr"])
    assert after < 0.7 * before


@torch.no_grad()
def test_training_and_measuring_render_by_the_same_rule() -> None:
    module, data = task(model_config=settings_of(*SMALL, "model.reference_scale=4")["model"]).eval(), batch()
    pair = Pair(data["lr"][0], data["hr"][0], data["scale"], "set", Path("image"), "image")
    field = module.model(data["lr"])
    expected = field.render(scale=data["scale"], mode="footprint")
    assert not torch.allclose(expected, field.render(scale=data["scale"], mode="exact"), atol=1e-3)
    trained_on, _ = module.supervision(field, data)
    torch.testing.assert_close(trained_on, expected)
    torch.testing.assert_close(predict(module.model, pair), expected[0])


@pytest.mark.parametrize(("value", "rule"), [("inf", "footprint at every scale"), ("0", "exact at every scale")])
@torch.no_grad()
def test_the_rule_is_configured_with_the_model(value: str, rule: str) -> None:
    model = task(model_config=settings_of(*SMALL, f"model.reference_scale={value}")["model"]).model.eval()
    assert model(torch.rand(1, 3, 4, 5)).reference_scale == float(value)
    assert model.rendering == rule


@pytest.mark.parametrize("value", ["-1", "nan"])
def test_a_wrong_reference_scale_is_said_before_training(value: str) -> None:
    with pytest.raises(InputError, match="reference_scale must be a number"):
        task(model_config=settings_of(*SMALL, f"model.reference_scale={value}")["model"])


def on_pixels(model: str = "liif", **changes: object) -> SuperResolution:
    narrow = ["model.hidden=[8]", "model.expansion=[16]"] if model == "aliif" else ["model.hidden=[16]"]
    return task(
        model_config=settings_of(*SMALL, f"model={model}", *narrow)["model"], supervision=OnQueries(count=50), **changes
    )


def crops_of_two_scales() -> dict:
    one, other = batch(), batch()
    return {"lr": one["lr"], "hr": [one["hr"][0], other["hr"][1, :, :18, :18]], "scale": [2.0, 1.5], "seeds": [0, 1]}


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
@pytest.mark.parametrize(
    ("model", "precision"),
    [("liif", "32-true"), ("liif", "bf16-mixed"), ("itsrn", "bf16-mixed"), ("aliif", "bf16-mixed"), ("diinn", "bf16-mixed")],
)
def test_the_loss_falls_on_pixels_of_crops_of_several_scales(model: str, precision: str) -> None:
    module, data = on_pixels(model), crops_of_two_scales()
    trainer = fit(module, 1, data, precision=precision)
    before = trainer.callback_metrics["train/loss"]
    trainer = fit(module, 60, data, precision=precision)
    assert trainer.callback_metrics["train/loss"] < 0.7 * before


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:You defined a .validation_step.", "ignore:.max_epochs. was not set"
)
@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        (12, {"max_epochs": 2}),
        (8, {"max_epochs": 10, "max_steps": 8}),
        (8, {"max_epochs": -1, "max_steps": 8}),
        (6, {"max_epochs": 2, "limit_train_batches": 3}),
        (6, {"max_epochs": 2, "accumulate_grad_batches": 2}),
        (4, {"max_epochs": 2, "accumulate_grad_batches": 4}),
    ],
)
def test_the_schedule_ends_with_the_last_step(steps: int, settings: dict[str, int]) -> None:
    rates: list[float] = []
    module = task()
    module.on_before_optimizer_step = lambda optimizer: rates.append(optimizer.param_groups[0]["lr"])
    trainer = fit(module, 6, batch(), **settings)
    assert trainer.global_step == steps
    assert rates == pytest.approx([2e-3 * (1 + math.cos(math.pi * index / steps)) for index in range(steps)])


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
@pytest.mark.parametrize(("batches", "expected"), [(1, [4e-3, 4e-3, 4e-3, 2e-3, 2e-3, 2e-3]), (2, [4e-3, 4e-3, 2e-3, 2e-3])])
def test_epochs_of_a_schedule_are_those_of_the_training(batches: int, expected: list[float]) -> None:
    rates: list[float] = []
    module = task(schedule=partial(step, every_epochs=1, factor=0.5, warmup_steps=0))
    module.on_before_optimizer_step = lambda optimizer: rates.append(optimizer.param_groups[0]["lr"])
    fit(module, 3, batch(), max_epochs=2, accumulate_grad_batches=batches)
    assert rates == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_a_training_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="the schedule ends with the training"):
        fit(task(), 1, batch(), max_epochs=-1, max_time="00:00:00:01")


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_a_diverging_training_says_what_to_do() -> None:
    data = batch()
    data["hr"][0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="the loss became nan at step 0.*Lower optimizer.lr"):
        fit(task(), 1, data)


def test_a_model_without_weights_cannot_be_trained() -> None:
    with pytest.raises(InputError, match="no weights to train"):
        task(model_config=settings_of("model=bicubic")["model"])


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_a_gradient_that_is_not_finite_ends_the_training_before_the_step() -> None:
    """The renderer leaves kernels out that are not finite: the loss stays finite while weights are lost."""
    module = task()
    before = {name: weight.clone() for name, weight in module.model.named_parameters()}
    next(module.model.parameters()).register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(InputError, match="the gradient norm became nan at step 0.*Lower optimizer.lr"):
        fit(module, 1, batch())
    assert all(torch.equal(weight, before[name]) for name, weight in module.model.named_parameters())


@pytest.mark.parametrize("averaged", [False, True])
def test_weights_that_are_not_finite_are_never_saved(averaged: bool) -> None:
    module = task()
    checkpoint = {"state_dict": {name: weight.clone() for name, weight in module.state_dict().items()}}
    broken = checkpoint["state_dict"] if averaged else module.state_dict()
    broken["model.encoder.head.0.bias"][0] = float("inf")
    with pytest.raises(InputError, match=r"encoder\.head\.0\.bias has values that are not finite"):
        module.on_save_checkpoint(checkpoint)
