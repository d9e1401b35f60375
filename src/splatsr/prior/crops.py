"""Which pieces of photographs a prior is collected from: crop i is always the same one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from splatsr.data.many_images import check_damaged, read_all
from splatsr.errors import InputError
from splatsr.image_files.reading import image_size, read_image
from splatsr.resize.levels import to_tensor


class Crop(NamedTuple):
    """A square of a photograph: the file, and its first row and column in pixels."""

    photograph: Path
    top: int
    left: int


class Crops:
    """Squares that do not overlap, in an order that is random and depends on nothing but photographs, side and seed.

    More crops of the same photographs begin with the same ones.

    Args:
        photographs: the files; smaller ones than a crop are passed over.
        count: how many crops.
        side: of a crop, pixels.
        seed: of their order.
        skip_damaged: pass over files that cannot be read.

    Raises:
        InputError: a file cannot be read, or the photographs do not hold as many crops.
    """

    def __init__(self, photographs: Sequence[Path], *, count: int, side: int, seed: int, skip_damaged: bool) -> None:
        for name, value in (("crops", count), ("side", side)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"prior.{name} must be a whole number of at least 1; got {value!r}.")
        sizes = list(read_all(image_size, photographs))
        check_damaged(sizes, skip_damaged=skip_damaged)
        whole = [(path, size) for path, size in zip(photographs, sizes, strict=True) if not isinstance(size, str)]
        per_photograph = np.array([(height // side) * (width // side) for _, (height, width) in whole])
        if not per_photograph.any():
            largest = max((size for _, size in whole), key=min)
            raise InputError(
                f"crops of {side}x{side} pixels are larger than every photograph (the largest is {largest[1]}x{largest[0]}): "
                "choose a smaller prior.side, or larger photographs."
            )
        first = np.concatenate([[0], per_photograph.cumsum()])
        if count > first[-1]:
            raise InputError(
                f"{len(whole)} photographs hold {first[-1]} crops of {side}x{side} pixels, and prior.crops asks for {count}: "
                "ask for fewer or smaller ones (prior.crops, prior.side), or give more photographs (data.train)."
            )
        self.side, self.chosen = side, []
        for crop in np.random.default_rng(seed).permutation(int(first[-1]))[:count]:
            index = int(np.searchsorted(first, crop, side="right")) - 1  # of the photograph
            path, (_, width) = whole[index]
            row, column = divmod(int(crop - first[index]), width // side)
            self.chosen.append(Crop(path, row * side, column * side))

    def __len__(self) -> int:
        return len(self.chosen)


def read_crop(crop: Crop, side: int) -> torch.Tensor:
    """The crop's pixels, (3, side, side), RGB in [0, 1]; InputError where the photograph is not the same any more."""
    image = read_image(crop.photograph)[crop.top : crop.top + side, crop.left : crop.left + side]
    if image.shape != (side, side, 3):
        raise InputError(f"{crop.photograph} has become smaller since crops were chosen from it.")
    return to_tensor(image)


class Chunks(Dataset[dict[str, Any] | None]):
    """The crops in chunks of `batch`; this process fits chunks rank, rank + ranks, ... that are not yet done.

    Which chunks are a process's own does not depend on which are done, so processes that look at different times agree. A
    process with nothing left gets a single None.
    """

    def __init__(self, crops: Crops, *, batch: int, rank: int, ranks: int, done: set[int]) -> None:
        self.crops, self.batch = crops, batch
        self.indices = [index for index in range(rank, -(-len(crops) // batch), ranks) if index not in done]

    def __len__(self) -> int:
        return max(1, len(self.indices))

    def __getitem__(self, index: int) -> dict[str, Any] | None:
        """{"index", "first": the index of its first crop, "crops", "images": (B, 3, side, side)}"""
        if not self.indices:
            return None
        first = self.indices[index] * self.batch
        crops = self.crops.chosen[first : first + self.batch]
        images = torch.stack([read_crop(crop, self.crops.side) for crop in crops])
        return {"index": self.indices[index], "first": first, "crops": crops, "images": images}
