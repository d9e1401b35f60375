"""Training crops: a random HR crop, its LR by a chain of degradations (by default the PIL 8-bit rule), one scale per batch.

Every random choice is a function of (seed, epoch, batch number), drawn by the sampler in the main process; the data set only
carries requests out. Workers, resumption and timing therefore cannot change what is seen. (The published code counts items
in the data set to change the scale, which goes wrong with several workers.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from splatsr.data.degradation.chain import Degradation
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.resize import Pixels, to_tensor


@dataclass(frozen=True)
class Crop:
    """One item: a photograph, the crop's position as fractions in [0, 1) of the room there is, and its orientation.

    `seed` is of whatever its degradation draws.
    """

    photograph: int
    top: float
    left: float
    flip_vertical: bool
    flip_horizontal: bool
    transpose: bool
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """One batch: its scale and its crops."""

    scale: Number
    crops: tuple[Crop, ...]


class BatchSampler(Sampler[Batch]):
    """Yields `batches` requests per epoch; scale ~ U(scale_range), once per batch. Photographs come in shuffled rounds.

    `set_epoch` is called by Lightning before every epoch, also after resuming.
    """

    def __init__(self, *, photographs: int, batches: int, batch_size: int, scale_range: tuple[float, float], seed: int) -> None:
        self.photographs, self.batches, self.batch_size = photographs, batches, batch_size
        self.scale_range, self.seed, self.epoch = scale_range, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose requests the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        random = np.random.default_rng([self.seed, self.epoch])
        degradation = np.random.default_rng([self.seed, self.epoch, 1])  # apart: the same crops with any degradation
        rounds = -(-self.batches * self.batch_size // self.photographs)
        order = np.concatenate([random.permutation(self.photographs) for _ in range(rounds)])
        for number in range(self.batches):
            scale = random.uniform(*self.scale_range)
            chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
            seeds = degradation.integers(0, 2**63, len(chosen))
            crops = tuple(
                Crop(int(photograph), random.random(), random.random(), *map(bool, random.integers(0, 2, 3)), seed=int(seed))
                for photograph, seed in zip(chosen, seeds, strict=True)
            )
            yield Batch(float(scale), crops)


class CropDataset(Dataset[dict[str, Tensor | float]]):
    """`dataset[batch]` makes a whole batch.

    Args:
        photographs: 8-bit RGB arrays.
        spoiled: the same photographs, spoiled (rain): LR crops are made from these; None: from `photographs`.
        degradation: makes the LR crop.
        patch: side of the HR crop in pixels. LR side = floor(patch / scale), HR side = round(LR side * scale) <= patch.
    """

    def __init__(
        self,
        photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        *,
        spoiled: Sequence[UInt8[np.ndarray, "_ _ 3"]] | None,
        degradation: Degradation,
        patch: int,
    ) -> None:
        self.photographs, self.spoiled, self.degradation, self.patch = photographs, spoiled, degradation, patch

    def __getitem__(self, batch: Batch) -> dict[str, Tensor | float]:
        """lr (B, 3, l, l) and hr (B, 3, L, L), RGB in [0, 1], and the nominal scale."""
        lr_side, hr_side = crop_sides(self.patch, batch.scale)
        pairs = [self._pair(crop, lr_side, hr_side) for crop in batch.crops]
        lr, hr = (torch.stack([to_tensor(image) for image in images]) for images in zip(*pairs, strict=True))
        return {"lr": lr, "hr": hr, "scale": batch.scale}

    def _pair(self, crop: Crop, lr_side: int, hr_side: int) -> tuple[Pixels, UInt8[np.ndarray, "side side 3"]]:
        hr = cut(self.photographs[crop.photograph], crop, hr_side)
        source = hr if self.spoiled is None else cut(self.spoiled[crop.photograph], crop, hr_side)
        return self.degradation(source, (lr_side, lr_side), np.random.default_rng(crop.seed)), hr


def cut(photograph: UInt8[np.ndarray, "_ _ 3"], crop: Crop, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """The crop's square of `side` pixels, oriented; a copy."""
    top = int(crop.top * (photograph.shape[0] - side + 1))
    left = int(crop.left * (photograph.shape[1] - side + 1))
    square = photograph[top : top + side, left : left + side]
    square = square[::-1] if crop.flip_vertical else square
    square = square[:, ::-1] if crop.flip_horizontal else square
    return np.ascontiguousarray(square.transpose(1, 0, 2) if crop.transpose else square)


def crop_sides(patch: int, scale: Number) -> tuple[int, int]:
    """(LR side, HR side) of a training crop, by ContinuousSR's rule."""
    lr_side = int(patch / scale + 1e-9)
    return lr_side, round(lr_side * scale)


def check_crops(patch: int, scale_range: Sequence[Number]) -> tuple[float, float]:
    """The scale range as a pair; InputError unless 1 <= low <= high and the smallest LR crop has at least 4 pixels."""
    if len(scale_range) != 2 or not 1 <= scale_range[0] <= scale_range[1]:
        raise InputError(f"data.scale_range must be [low, high] with 1 <= low <= high; got {list(scale_range)}.")
    low, high = (float(value) for value in scale_range)
    if crop_sides(patch, high)[0] < 4:
        raise InputError(f"data.patch={patch} leaves fewer than 4 LR pixels at scale {high}; use at least {int(4 * high) + 1}.")
    return low, high
