"""Several steps on a batch: their order, what they share, and what is refused."""

from functools import partial

import lightning
import pytest
import torch
from torch.utils.data import DataLoader

from composed import settings_of
from flows import calm
from splatsr.errors import InputError
from splatsr.training.losses import InTurn as LossesInTurn
from splatsr.training.losses import NegativeLogLikelihood
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine
from splatsr.training.supervision import InTurn, OnLikelihood, OnQueries
from splatsr.training.turns import turns_of

NARROW = (
    "model=linf",
    "model.encoder.channels=8",
    "model.encoder.blocks=1",
    "model.encoder.out_channels=8",
    "model.hidden=[16]",
)


def task(**changes: object) -> SuperResolution:
    settings = {
        "model_config": settings_of(*NARROW)["model"],
        "supervision": InTurn(parts=[OnLikelihood(count=50), OnQueries(count=50)]),
        "loss": LossesInTurn(parts=[NegativeLogLikelihood(weight=0.5), torch.nn.L1Loss()]),
        "optimizer": partial(torch.optim.Adam, lr=1e-3),
        "schedule": partial(cosine, warmup_steps=0),
        "seed": 0,
    }
    made = SuperResolution(**{**settings, **changes})
    calm(made.model.flow)
    return made


def batch() -> dict:
    hr = torch.rand(2, 3, 24, 24)
    lr = torch.nn.functional.interpolate(hr, size=(12, 12), mode="bicubic", antialias=True).clamp(0, 1)
    return {"lr": lr, "hr": hr, "scale": 2.0, "seeds": [0, 1]}


def fit(module: SuperResolution, data: dict, steps: int, **settings: object) -> lightning.Trainer:
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, **settings,
    )  # fmt: skip
    trainer.fit(module, DataLoader([data] * steps, batch_size=None))
    return trainer


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_both_steps_are_taken_in_order_with_one_adam() -> None:
    module, data = task(), batch()
    by_hand = task()
    by_hand.load_state_dict(module.state_dict())
    trainer = fit(module, data, 3)
    optimizer, scheduler = by_hand.make_optimizer(steps=3, steps_per_epoch=3)
    for _ in range(3):
        for supervision, loss in by_hand.turns:
            optimizer.zero_grad()
            loss(*supervision(by_hand.model(data["lr"]), data)).backward()
            optimizer.step()
        scheduler.step()
    assert trainer.global_step == 3, "a step of the training is a batch"
    for one, other in zip(module.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_the_likelihood_rises() -> None:
    module, data = task(supervision=OnLikelihood(count=200), loss=NegativeLogLikelihood(weight=1.0)), batch()
    first = fit(module, data, 1).callback_metrics["train/loss"]
    assert fit(module, data, 40).callback_metrics["train/loss"] < first - 0.5


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:You defined a .validation_step.")
def test_a_batch_in_parts_is_refused() -> None:
    with pytest.raises(InputError, match="leave trainer.accumulate_grad_batches out"):
        fit(task(), batch(), 2, accumulate_grad_batches=2)


def test_what_does_not_go_together_is_refused() -> None:
    likelihood, nll, l1 = OnLikelihood(count=1), NegativeLogLikelihood(weight=1.0), torch.nn.L1Loss()
    with pytest.raises(InputError, match="supervision has 1 parts and loss 2"):
        turns_of(likelihood, LossesInTurn(parts=[nll, l1]))
    with pytest.raises(InputError, match="use loss=nll"):
        turns_of(likelihood, l1)[0].check(9)
    with pytest.raises(InputError, match="use supervision=likelihood"):
        turns_of(OnQueries(count=1), nll)[0].check(9)
    for turn in turns_of(InTurn(parts=[likelihood, OnQueries(count=1)]), LossesInTurn(parts=[nll, l1])):
        turn.check(9)


def test_the_loss_is_the_mean_of_minus_the_log_density() -> None:
    found = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    assert NegativeLogLikelihood(weight=0.5)(found, torch.zeros_like(found)).item() == -1.5
