"""Checkpoints that are never torn: written beside their place, flushed, and put there in one step.

(Lightning's own writing goes through the temporary folder and a move; from another file system that move truncates the old
checkpoint first, and a kill in between loses both.)
"""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from splatsr.disk.whole_file import whole_file


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoint plugin (conf/trainer); raises InputError where a checkpoint cannot be written."""

    def __init__(self) -> None:
        """Nothing to set."""
        super().__init__()

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Writes the whole checkpoint or nothing; the one that was there stays until then."""
        with whole_file(path) as partial, partial.open("wb") as file:  # opened here: torch hides what goes wrong with a path
            torch.save(checkpoint, file)
