"""Which training crops a batch has: requests that the data set (data.crops) carries out.

Every random choice is a function of (seed, epoch, index of the batch), drawn by the sampler in the main process. Workers,
resumption and timing therefore cannot change what is seen. (The published code counts items in the data set to change the
scale, which goes wrong with several workers.)
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from splatsr.geometry import Number


@dataclass(frozen=True)
class CropRequest:
    """A crop to be cut.

    Attributes:
        photograph: its index.
        top: the crop's vertical position, as a fraction in [0, 1) of the positions that there are.
        left: its horizontal position, likewise.
        flip_vertical: whether it is turned upside down, first of all.
        flip_horizontal: whether left and right then change places.
        transpose: whether rows and columns then change places.
        seed: of whatever its degradation and its supervision draw.
        others: more positions, (top, left); the one with most detail is taken.
        channels: the color channels in their order in the crop.
    """

    photograph: int
    top: float
    left: float
    flip_vertical: bool
    flip_horizontal: bool
    transpose: bool
    seed: int = 0
    others: tuple[tuple[float, float], ...] = ()
    channels: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class BatchRequest:
    """A batch to be made: its crops and their scales, one for each."""

    scales: tuple[Number, ...]
    crops: tuple[CropRequest, ...]


class BatchSampler(Sampler[BatchRequest]):
    """The requests of an epoch. Photographs come in shuffled rounds, positions and orientations are uniform.

    `set_epoch` is called by Lightning before every epoch, also after resuming.

    Args:
        photographs: how many there are.
        batches: that make an epoch.
        batch_size: crops in a batch.
        scale_range: (low, high) of the scales.
        scale_distribution: "uniform", "log_uniform", or "whole": the whole numbers in it, all alike.
        scale_per: "batch" or "crop": what has a scale of its own.
        seed: of everything drawn, together with the epoch.
        candidates: positions that are drawn for every crop; the data set takes the one with most detail.
        permute_colors: whether the crops' color channels change places.
        crops_per_photograph: crops of a photograph that follow each other, so that it is decoded once for them.
    """

    def __init__(
        self,
        *,
        photographs: int,
        batches: int,
        batch_size: int,
        scale_range: tuple[float, float],
        scale_distribution: str,
        scale_per: str,
        seed: int,
        candidates: int = 1,
        permute_colors: bool = False,
        crops_per_photograph: int = 1,
    ) -> None:
        self.photographs, self.batches, self.batch_size = photographs, batches, batch_size
        self.scale_range, self.scale_distribution, self.scale_per = scale_range, scale_distribution, scale_per
        self.candidates, self.permute_colors = candidates, permute_colors
        self.crops_per_photograph = crops_per_photograph
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose requests the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[BatchRequest]:
        random = np.random.default_rng([self.seed, self.epoch])
        degradation = np.random.default_rng([self.seed, self.epoch, 1])  # the same crops with any degradation
        options = np.random.default_rng([self.seed, self.epoch, 2])  # and with any options
        rounds = -(-self.batches * self.batch_size // (self.photographs * self.crops_per_photograph))
        order = np.concatenate([random.permutation(self.photographs) for _ in range(rounds)])
        for index in range(self.batches):
            scales = self._scales(random, 1 if self.scale_per == "batch" else self.batch_size)
            chosen = order[np.arange(index * self.batch_size, (index + 1) * self.batch_size) // self.crops_per_photograph]
            seeds = degradation.integers(0, 2**63, len(chosen))
            crops = tuple(
                self._crop(random, options, int(photograph), int(seed)) for photograph, seed in zip(chosen, seeds, strict=True)
            )
            yield BatchRequest(tuple(np.broadcast_to(scales, self.batch_size).tolist()), crops)

    def _crop(self, random: np.random.Generator, options: np.random.Generator, photograph: int, seed: int) -> CropRequest:
        top, left = random.random(), random.random()
        flip_vertical, flip_horizontal, transpose = map(bool, random.integers(0, 2, 3))
        others = tuple((float(y), float(x)) for y, x in options.random((self.candidates - 1, 2)))
        channels = tuple(map(int, options.permutation(3))) if self.permute_colors else (0, 1, 2)
        return CropRequest(photograph, top, left, flip_vertical, flip_horizontal, transpose, seed, others, channels)

    def _scales(self, random: np.random.Generator, count: int) -> np.ndarray:
        low, high = self.scale_range
        if self.scale_distribution == "whole":
            return random.integers(math.ceil(low), math.floor(high), count, endpoint=True).astype(float)
        if self.scale_distribution == "log_uniform":
            return np.exp(random.uniform(math.log(low), math.log(high), count)).clip(low, high)
        return random.uniform(low, high, count)
