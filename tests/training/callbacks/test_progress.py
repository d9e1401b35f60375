import lightning
import pytest
import torch
from lightning import LightningModule, Trainer

from splatsr.training.callbacks.progress import EpochLines, TenthLines, prediction_progress, training_progress


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """In the second of four epochs; with twenty batches to predict."""
    made = Trainer(max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    monkeypatch.setattr(lightning.Trainer, "callback_metrics", {"train/loss": torch.tensor(0.05)})
    monkeypatch.setattr(lightning.Trainer, "current_epoch", 1)
    monkeypatch.setattr(lightning.Trainer, "num_predict_batches", [20])
    return made


def test_an_epoch_is_a_line_with_the_validation_where_there_is_one(
    trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    bar = EpochLines()
    bar.on_train_epoch_end(trainer, LightningModule())
    trainer.callback_metrics["val/psnr"] = torch.tensor(31.237)
    bar.on_train_epoch_end(trainer, LightningModule())
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["epoch 2/4: loss 0.0500", "epoch 2/4: loss 0.0500, validation PSNR 31.24 dB"]


def test_a_prediction_is_a_line_for_every_tenth(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    bar = TenthLines("fitting")
    for index in range(20):
        bar.on_predict_batch_end(trainer, LightningModule(), None, None, index)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" after ")[0] for line in lines] == [f"fitting: {10 * tenth} %" for tenth in range(1, 11)]


def test_other_processes_print_nothing(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    epochs, tenths = EpochLines(), TenthLines("fitting")
    epochs.disable()
    tenths.disable()
    epochs.on_train_epoch_end(trainer, LightningModule())
    tenths.on_predict_batch_end(trainer, LightningModule(), None, None, 19)
    assert capsys.readouterr().out == ""


def test_a_file_gets_lines_instead_of_bars() -> None:
    assert isinstance(training_progress(), EpochLines)
    assert isinstance(prediction_progress("fitting"), TenthLines)
