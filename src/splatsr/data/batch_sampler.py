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
        seed: of whatever its degradation draws.
    """

    photograph: int
    top: float
    left: float
    flip_vertical: bool
    flip_horizontal: bool
    transpose: bool
    seed: int = 0


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
        scale_range: (low, high); scales are uniform in it.
        whole_scales: only the whole numbers in it.
        scale_per: "batch" or "crop": what has a scale of its own.
        seed: of everything drawn, together with the epoch.
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

    def __iter__(self) -> Iterator[BatchRequest]:
        random = np.random.default_rng([self.seed, self.epoch])
        degradation = np.random.default_rng([self.seed, self.epoch, 1])  # the same crops with any degradation
        rounds = -(-self.batches * self.batch_size // self.photographs)
        order = np.concatenate([random.permutation(self.photographs) for _ in range(rounds)])
        for index in range(self.batches):
            scales = self._scales(random, 1 if self.scale_per == "batch" else self.batch_size)
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
            seeds = degradation.integers(0, 2**63, len(chosen))
            crops = tuple(
                self._crop(random, int(photograph), int(seed)) for photograph, seed in zip(chosen, seeds, strict=True)
            )
            yield BatchRequest(tuple(np.broadcast_to(scales, self.batch_size).tolist()), crops)

    @staticmethod
    def _crop(random: np.random.Generator, photograph: int, seed: int) -> CropRequest:
        top, left = random.random(), random.random()
        flip_vertical, flip_horizontal, transpose = map(bool, random.integers(0, 2, 3))
        return CropRequest(photograph, top, left, flip_vertical, flip_horizontal, transpose, seed)

    def _scales(self, random: np.random.Generator, count: int) -> np.ndarray:
        low, high = self.scale_range
        if self.whole_scales:
            return random.integers(math.ceil(low), math.floor(high), count, endpoint=True).astype(float)
        return random.uniform(low, high, count)
