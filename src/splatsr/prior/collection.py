"""Fitting many crops over processes and machines, as Lightning's distributed `predict`: a chunk is a batch."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader

from splatsr.prior.crops import Chunks, Crops
from splatsr.prior.fits import done_chunks, save_chunk
from splatsr.prior.fitting import Fitting


class Collection(lightning.LightningModule):
    """Fits chunks of crops and saves each as soon as it is done.

    Processes do not communicate: chunks are dealt out by their indices.

    Args:
        fitting: how a crop is fitted.
        crops: all crops of the run.
        batch: crops of a chunk, fitted at once.
        folder: where chunks are saved, the same for all processes.
        seed: crop i begins with the kernels of seed + i.
        workers: processes that read crops ahead; 0: none.
    """

    def __init__(self, *, fitting: Fitting, crops: Crops, batch: int, folder: Path, seed: int, workers: int) -> None:
        super().__init__()
        self.fitting, self.crops, self.batch = fitting, crops, batch
        self.folder, self.seed, self.workers = folder, seed, workers

    def predict_dataloader(self) -> DataLoader:
        """The chunks that this process has still to fit."""
        chunks = Chunks(
            self.crops,
            batch=self.batch,
            rank=self.global_rank,
            ranks=self.trainer.world_size,
            done=done_chunks(self.folder),
        )
        return DataLoader(chunks, batch_size=None, num_workers=self.workers)

    def on_predict_start(self) -> None:
        """One thread on a CPU: steps are short, and more processes (trainer.devices) use more cores better than threads do."""
        self._threads = torch.get_num_threads()
        if self.device.type == "cpu":
            torch.set_num_threads(1)

    def on_predict_end(self) -> None:
        """As many threads as before."""
        torch.set_num_threads(self._threads)

    def predict_step(self, chunk: Mapping[str, Any] | None, _: int) -> bool:
        """Fits one chunk, and saves it; None, and False, where there is nothing left for this process."""
        if chunk is None:
            return False
        begun = time.monotonic()
        seeds = [self.seed + chunk["first"] + index for index in range(len(chunk["crops"]))]
        field, psnr = self.fitting.fit(chunk["images"], seeds)
        save_chunk(
            self.folder,
            chunk["index"],
            first=chunk["first"],
            crops=chunk["crops"],
            field=field,
            psnr=psnr,
            seconds=time.monotonic() - begun,
        )
        return True
