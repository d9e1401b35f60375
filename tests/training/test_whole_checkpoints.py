"""A checkpoint is replaced in one step, or not at all."""

import errno
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from splatsr.errors import InputError
from splatsr.training import whole_checkpoints
from splatsr.training.whole_checkpoints import WholeCheckpoints


def test_a_failed_write_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"step": torch.tensor(1)}, path)

    def full(content: dict, file: BinaryIO) -> None:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole_checkpoints.torch, "save", full)
    with pytest.raises(InputError, match=r"last\.ckpt cannot be written: No space left"):
        WholeCheckpoints().save_checkpoint({"step": torch.tensor(2)}, path)
    assert torch.load(path, weights_only=True) == {"step": torch.tensor(1)}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_nothing_goes_through_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    WholeCheckpoints().save_checkpoint({"step": torch.tensor(1)}, tmp_path / "last.ckpt")
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]
