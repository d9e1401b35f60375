from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from torch.utils.data import DataLoader

from composed import settings_of
from splatsr.data.benchmark import Pair
from splatsr.errors import InputError
from splatsr.metrics.evaluation import predict
from splatsr.metrics.protocol import Protocol
from splatsr.schedules import cosine
from splatsr.training import SuperResolution

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")


def task(**changes: object) -> SuperResolution:
    settings = {
        "model_config": settings_of(*SMALL)["model"], "loss": torch.nn.L1Loss(), "seed": 0,
        "optimizer": partial(torch.optim.Adam, lr=4e-3), "schedule": partial(cosine, warmup_steps=0),
        "protocol": Protocol(name="L-pil", luminance=True, extra_shave=0),
    }  # fmt: skip
    return SuperResolution(**{**settings, **changes})


def fit(module: SuperResolution, steps: int, batch: dict, **settings: object) -> lightning.Trainer:
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, **settings,
    )  # fmt: skip
    trainer.fit(module, DataLoader([batch] * steps, batch_size=None))
    return trainer


def batch() -> dict:
    hr = torch.nn.functional.interpolate(torch.rand(2, 3, 4, 4), size=(24, 24), mode="bicubic").clamp(0, 1)
    lr = torch.nn.functional.interpolate(hr, size=(12, 12), mode="bicubic", antialias=True)
    return {"lr": lr, "hr": hr, "scale": 2.0}


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
    module, data = task().eval(), batch()
    module.log = lambda *args, **settings: None  # there is no trainer
    pair = Pair(data["lr"][0], data["hr"][0], data["scale"], "set", Path("image"))
    field = module.model(data["lr"])
    expected = field.render(scale=data["scale"], mode="footprint")
    assert not torch.allclose(expected, field.render(scale=data["scale"], mode="exact"), atol=1e-3)
    torch.testing.assert_close(module.training_step(data, 0), module.loss(expected, data["hr"]))
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


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_a_diverging_training_says_what_to_do() -> None:
    data = batch()
    data["hr"][0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="the loss became nan at step 0.*Lower optimizer.lr"):
        fit(task(), 1, data)


def test_a_model_without_weights_cannot_be_trained() -> None:
    with pytest.raises(InputError, match="no weights to train"):
        task(model_config=settings_of("model=bicubic")["model"])
