import os
from pathlib import Path

import lightning
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel

from splatsr.checkpoints.resumption import NEEDED, choose_checkpoint, is_of_restoring
from splatsr.errors import InputError


def checkpoint(path: Path, *, when: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    torch.save({**dict.fromkeys(NEEDED), "state_dict": {"weight": torch.rand(1000)}}, path)
    os.utime(path, (when, when))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for when, name in enumerate(["epoch001-psnr31.000", "epoch002-psnr30.000", "last"]):
        checkpoint(tmp_path / "checkpoints" / f"{name}.ckpt", when=100 + when)
    return tmp_path


def damage(path: Path) -> None:
    """One byte of the weights is another."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_last_checkpoint_or_the_one_that_was_asked_for(run: Path, tmp_path: Path) -> None:
    assert choose_checkpoint(run, str(run)) == run / "checkpoints/last.ckpt"
    best = str(run / "checkpoints/epoch001-psnr31.000.ckpt")
    assert choose_checkpoint(run, best) == Path(best)
    assert choose_checkpoint(tmp_path / "new", "auto") is None
    (tmp_path / "other").mkdir()
    other = checkpoint(tmp_path / "other/checkpoints/last.ckpt", when=1)
    with pytest.raises(InputError, match="is none of .*; to begin with its weights give checkpoint="):
        choose_checkpoint(run, str(other))
    with pytest.raises(InputError, match="resume=nowhere.ckpt: no such file"):
        choose_checkpoint(run, "nowhere.ckpt")


@pytest.mark.parametrize("how", ["a byte", "truncated", "empty", "text", "a model"])
def test_a_damaged_one_is_one_line_that_names_the_newest_whole_one(run: Path, how: str) -> None:
    last = run / "checkpoints/last.ckpt"
    if how == "a byte":
        damage(last)
    elif how == "a model":
        torch.save({"state_dict": {}}, last)
    else:
        last.write_bytes({"truncated": last.read_bytes()[:-300], "empty": b"", "text": b"Dear reviewer"}[how])
    with pytest.raises(InputError, match=r"last.ckpt is (damaged|no checkpoint).* Go on from .* whole: 'resume=\".*epoch002"):
        choose_checkpoint(run, "auto")
    damage(run / "checkpoints/epoch002-psnr30.000.ckpt")
    with pytest.raises(InputError, match="epoch001"):
        choose_checkpoint(run, "auto")
    damage(run / "checkpoints/epoch001-psnr31.000.ckpt")
    with pytest.raises(InputError, match="There is no other to go on from"):
        choose_checkpoint(run, "auto")


def in_epoch(path: Path, *, ready: int, is_last: bool, processed: int) -> Path:
    """A checkpoint after `ready` batches of the second epoch."""
    progress = {"current": {"ready": ready}, "is_last_batch": is_last}
    epochs = {"current": {"ready": 2, "processed": processed}}
    loops = {"fit_loop": {"epoch_loop.batch_progress": progress, "epoch_progress": epochs}}
    torch.save({**dict.fromkeys(NEEDED), "loops": loops}, path)
    return path


def test_one_from_the_middle_of_an_epoch_is_refused(run: Path) -> None:
    within = in_epoch(run / "checkpoints/step=3.ckpt", ready=3, is_last=False, processed=1)
    with pytest.raises(InputError, match=r"step=3.ckpt was written in the middle of an epoch.* 'resume=\".*last.ckpt\"'"):
        choose_checkpoint(run, str(within))


@pytest.mark.parametrize(
    ("ready", "is_last", "processed", "batches"),
    [(4, True, 1, None), (4, False, 2, None), (4, False, 1, 4), (0, False, 1, None)],
)
def test_ends_of_epochs_are_none_however_they_came(
    run: Path, ready: int, is_last: bool, processed: int, batches: int | None
) -> None:
    """By their last batch, by trainer.max_steps, by trainer.limit_train_batches; and before the first batch."""
    end = in_epoch(run / "checkpoints/end.ckpt", ready=ready, is_last=is_last, processed=processed)
    assert choose_checkpoint(run, str(end), batches=batches) == end


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loops", {"fit_loop": {"epoch_progress": []}}),
        ("pytorch-lightning_version", None),
        ("optimizer_states", [{"state": 3}]),
    ],
)
def test_what_lightning_cannot_restore_is_known_as_such(key: str, value: object, tmp_path: Path) -> None:
    def trainer() -> lightning.Trainer:
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        return lightning.Trainer(accelerator="cpu", logger=False, max_epochs=1, limit_train_batches=1, **quiet)

    fitter, path = trainer(), tmp_path / "last.ckpt"
    fitter.fit(BoringModel())
    fitter.save_checkpoint(path)
    torch.save({**torch.load(path, weights_only=True), key: value}, path)
    with pytest.raises(Exception, match=r"\w") as raised:
        trainer().fit(BoringModel(), ckpt_path=path, weights_only=True)
    assert is_of_restoring(raised.value)
    with pytest.raises(OSError, match="full") as raised:
        checkpoint_to_full_disk(fitter, tmp_path)
    assert not is_of_restoring(raised.value)


def checkpoint_to_full_disk(fitter: lightning.Trainer, folder: Path) -> None:
    """Fails within Lightning, yet restores nothing."""
    fitter.strategy.checkpoint_io.save_checkpoint = lambda *_, **__: (_ for _ in ()).throw(OSError("full"))
    fitter.save_checkpoint(folder / "another.ckpt")
