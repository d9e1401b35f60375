"""Training crops: a random HR crop, its LR by a chain of degradations (by default the PIL 8-bit rule), one scale per batch or
one per crop.

Every random choice is a function of (seed, epoch, batch number), drawn by the sampler in the main process; the data set only
carries requests out. Workers, resumption and timing therefore cannot change what is seen. (The published code counts items
in the data set to change the scale, which goes wrong with several workers.)
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch.utils.data import Dataset, Sampler

from splatsr.data.degradation.chain import Degradation
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.resize.pil import Pixels, to_tensor


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
    """One batch: its crops and their scales, one for each."""

    scales: tuple[Number, ...]
    crops: tuple[Crop, ...]


class BatchSampler(Sampler[Batch]):
    """Yields `batches` requests per epoch; scale ~ U(scale_range), once per "batch" or once per "crop" (`scale_per`), with
    `whole_scales` of the whole numbers in it. Photographs come in shuffled rounds.

    `set_epoch` is called by Lightning before every epoch, also after resuming.
    """

    def __init__(
        self,
        *,
        photographs: int,
        batches: int,
        batch_size: int,
        scale_range: tuple[float, float],
        whole_scales: bool,
        scale_per: str,
        seed: int,
    ) -> None:
        self.photographs, self.batches, self.batch_size = photographs, batches, batch_size
        self.scale_range, self.whole_scales, self.scale_per = scale_range, whole_scales, scale_per
        self.seed, self.epoch = seed, 0

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
            scales = self._scales(random, 1 if self.scale_per == "batch" else self.batch_size)
            chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
            seeds = degradation.integers(0, 2**63, len(chosen))
            crops = tuple(
                Crop(int(photograph), random.random(), random.random(), *map(bool, random.integers(0, 2, 3)), seed=int(seed))
                for photograph, seed in zip(chosen, seeds, strict=True)
            )
            yield Batch(tuple(np.broadcast_to(scales, self.batch_size).tolist()), crops)

    def _scales(self, random: np.random.Generator, count: int) -> np.ndarray:
        low, high = self.scale_range
        if self.whole_scales:
            return random.integers(math.ceil(low), math.floor(high), count, endpoint=True).astype(float)
        return random.uniform(low, high, count)


class CropDataset(Dataset[dict[str, Any]]):
    """`dataset[batch]` makes a whole batch.

    Args:
        photographs: 8-bit RGB arrays.
        spoiled: the same photographs, spoiled (rain): LR crops are made from these; None: from `photographs`.
        degradation: makes the LR crop.
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr", see `crop_sides`.
    """

    def __init__(
        self,
        photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        *,
        spoiled: Sequence[UInt8[np.ndarray, "_ _ 3"]] | None,
        degradation: Degradation,
        patch: int,
        patch_of: str,
    ) -> None:
        self.photographs, self.spoiled, self.degradation = photographs, spoiled, degradation
        self.patch, self.patch_of = patch, patch_of

    def __getitem__(self, batch: Batch) -> dict[str, Any]:
        """lr (B, 3, l, l) and hr (B, 3, L, L), RGB in [0, 1], and the nominal scale.

        Where the crops' scales differ, hr is a list of B images (3, L, L) of different sides, and scale a list.
        """
        sides = [crop_sides(self.patch, scale, self.patch_of) for scale in batch.scales]
        pairs = [self._pair(crop, *both) for crop, both in zip(batch.crops, sides, strict=True)]
        lr, hr = ([to_tensor(image) for image in images] for images in zip(*pairs, strict=True))
        if len(set(batch.scales)) == 1:
            return {"lr": torch.stack(lr), "hr": torch.stack(hr), "scale": batch.scales[0]}
        return {"lr": torch.stack(lr), "hr": hr, "scale": list(batch.scales)}

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


def crop_sides(patch: int, scale: Number, patch_of: str) -> tuple[int, int]:
    """(LR side, HR side) of a training crop: HR side = round(LR side * scale), ties to even.

    LR side = floor(patch / scale) where `patch` is of the HR crop (ContinuousSR), `patch` where it is of the LR crop (LIIF).
    """
    lr_side = int(patch / scale + 1e-9) if patch_of == "hr" else patch
    return lr_side, round(lr_side * scale)


def largest_side(patch: int, scale_range: tuple[float, float], patch_of: str) -> int:
    """Side of the largest HR crop: photographs must not be smaller."""
    return patch if patch_of == "hr" else crop_sides(patch, scale_range[1], patch_of)[1]


def check_crops(
    patch: int, patch_of: str, scale_range: Sequence[Number], scale_per: str, *, whole_scales: bool
) -> tuple[float, float]:
    """The scale range as a pair; InputError unless 1 <= low <= high, with a whole number between if there must be one, the
    smallest LR crop has at least 4 pixels, and the LR crops of a batch are of one size."""
    if patch_of not in ("hr", "lr"):
        raise InputError(f"data.patch_of must be hr or lr; got {patch_of!r}.")
    if scale_per not in ("batch", "crop"):
        raise InputError(f"data.scale_per must be batch or crop; got {scale_per!r}.")
    if scale_per == "crop" and patch_of == "hr":
        raise InputError("data.scale_per=crop needs data.patch_of=lr: else the LR crops of a batch would differ in size.")
    if len(scale_range) != 2 or not 1 <= scale_range[0] <= scale_range[1]:
        raise InputError(f"data.scale_range must be [low, high] with 1 <= low <= high; got {list(scale_range)}.")
    low, high = (float(value) for value in scale_range)
    if whole_scales and math.ceil(low) > high:
        raise InputError(f"data.whole_scales=true needs a whole number in data.scale_range; got {list(scale_range)}.")
    if crop_sides(patch, high, patch_of)[0] < 4:
        if patch_of == "lr":
            raise InputError(f"data.patch={patch} LR pixels are too few; use at least 4.")
        raise InputError(f"data.patch={patch} leaves fewer than 4 LR pixels at scale {high}; use at least {int(4 * high) + 1}.")
    return low, high
