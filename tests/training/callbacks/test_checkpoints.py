from pathlib import Path

import torch
from lightning import LightningModule, Trainer
from torch.utils.data import DataLoader

from splatsr.training.callbacks.checkpoints import BestCheckpoint, LastCheckpoint


class Validated(LightningModule):
    """Its validations give these figures, epoch by epoch."""

    figures = (20.0, 30.0, 25.0)

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
        return self.layer(batch).sum()

    def validation_step(self, batch: torch.Tensor, _: int) -> None:
        self.log("val/psnr", self.figures[self.current_epoch], batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_the_last_and_the_best_weights_are_kept_in_the_runs_folder(tmp_path: Path) -> None:
    data = DataLoader(torch.ones(2, 1), batch_size=1)
    trainer = Trainer(
        max_epochs=3, default_root_dir=tmp_path, callbacks=[LastCheckpoint(), BestCheckpoint(monitor="val/psnr")],
        logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu", num_sanity_val_steps=0,
        log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(Validated(), DataLoader(torch.ones(2, 1), batch_size=1), data)
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == {"last.ckpt", "epoch001-psnr30.000.ckpt"}
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["epoch"] == 2


def test_the_best_is_still_known_in_a_folder_that_has_been_moved(tmp_path: Path) -> None:
    before, now = (tmp_path / name / "checkpoints" for name in ("before", "now"))
    written, moved = BestCheckpoint(monitor="val/psnr"), BestCheckpoint(monitor="val/psnr")
    written.dirpath, moved.dirpath = str(before), str(now)
    best = str(before / "epoch003-psnr30.000.ckpt")
    written.best_model_path, written.best_k_models = best, {best: torch.tensor(30.0)}
    written.best_model_score = written.current_score = torch.tensor(30.0)
    moved.load_state_dict(written.state_dict())
    assert moved.best_model_path == str(now / "epoch003-psnr30.000.ckpt")
    assert moved.best_k_models == {moved.best_model_path: torch.tensor(30.0)}
    assert moved.best_model_score == 30
