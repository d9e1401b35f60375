import re

import lightning
import pytest
import torch
from lightning import LightningModule, Trainer

from splatsr.training.callbacks.progress import TenthLines, TrainingProgress, prediction_progress


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """In the second of four epochs; with twenty batches to predict."""
    made = Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    monkeypatch.setattr(lightning.Trainer, "callback_metrics", {"train/loss": torch.tensor(0.05)})
    monkeypatch.setattr(lightning.Trainer, "current_epoch", 1)
    monkeypatch.setattr(lightning.Trainer, "estimated_stepping_batches", 40)
    monkeypatch.setattr(lightning.Trainer, "is_last_batch", False)
    monkeypatch.setattr(lightning.Trainer, "global_step", 0)
    monkeypatch.setattr(lightning.Trainer, "num_predict_batches", [20])
    return made


def step(bar: TrainingProgress, trainer: Trainer, number: int, loss: float) -> None:
    trainer.callback_metrics["train/loss"] = torch.tensor(loss)
    lightning.Trainer.global_step = number  # the fixture sets it back
    bar.on_train_batch_end(trainer, LightningModule(), None, {"lr": torch.zeros(3, 1)}, 0)


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(r"[\d.e+]+ images/s", "N images/s", line) for line in capsys.readouterr().out.splitlines()]


def test_an_epoch_is_a_line_with_its_own_validation_or_none(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    bar = TrainingProgress(seconds_between_lines=1000)
    bar.on_train_start(trainer, LightningModule())
    bar.on_train_epoch_start(trainer, LightningModule())
    trainer.callback_metrics["val/psnr"] = torch.tensor(30.0)  # an earlier one
    step(bar, trainer, 11, 0.04)
    step(bar, trainer, 12, 0.06)
    bar.on_train_epoch_end(trainer, LightningModule())
    trainer.callback_metrics["val/psnr"] = torch.tensor(31.237)
    bar.on_validation_end(trainer, LightningModule())
    bar.on_train_epoch_end(trainer, LightningModule())
    bar.on_train_epoch_start(trainer, LightningModule())
    step(bar, trainer, 40, 0.01)
    bar.on_train_epoch_end(trainer, LightningModule())
    assert lines_of(capsys) == [
        "epoch 2/4, step 12/40: loss 0.0500, N images/s, 0 s left",
        "epoch 2/4, step 12/40: loss 0.0500, N images/s, validation PSNR 31.24 dB, 0 s left",
        "epoch 2/4, step 40/40: loss 0.0100, N images/s",
    ]


def test_a_long_epoch_has_a_line_now_and_then_and_none_at_its_last_step(
    trainer: Trainer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("splatsr.training.callbacks.progress.time.monotonic", lambda: clock[0])
    bar = TrainingProgress(seconds_between_lines=30)
    bar.on_train_start(trainer, LightningModule())
    bar.on_train_epoch_start(trainer, LightningModule())
    for number in range(1, 5):
        clock[0] += 20
        step(bar, trainer, number, 0.05)
    monkeypatch.setattr(lightning.Trainer, "is_last_batch", True)
    clock[0] += 100
    step(bar, trainer, 40, 0.05)
    assert [line.split(":")[0] for line in lines_of(capsys)] == ["epoch 2/4, step 2/40", "epoch 2/4, step 4/40"]


def test_a_prediction_is_a_line_for_every_tenth(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    bar = TenthLines("fitting")
    for index in range(20):
        bar.on_predict_batch_end(trainer, LightningModule(), None, None, index)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" after ")[0] for line in lines] == [f"fitting: {10 * tenth} %" for tenth in range(1, 11)]


def test_other_processes_print_nothing(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    epochs, tenths = TrainingProgress(seconds_between_lines=0), TenthLines("fitting")
    epochs.disable()
    tenths.disable()
    epochs.on_train_start(trainer, LightningModule())
    step(epochs, trainer, 1, 0.05)
    epochs.on_train_epoch_end(trainer, LightningModule())
    tenths.on_predict_batch_end(trainer, LightningModule(), None, None, 19)
    assert capsys.readouterr().out == ""


def test_a_file_gets_lines_instead_of_bars() -> None:
    assert isinstance(prediction_progress("fitting"), TenthLines)
