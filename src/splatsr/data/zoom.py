"""Training crops of real zoom (Fu et al., CVPR 2024, and LMI's code): of two photographs of a scene at different focal lengths
the smaller is the LR image of the larger; both are cut at the same place, and nothing is made smaller by a rule.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch.utils.data import Dataset, Sampler

from splatsr.data.batch_sampler import BatchRequest, BatchSampler, CropRequest
from splatsr.data.crops import batch_of, crop_sides, oriented, place
from splatsr.data.image_sequences import Images
from splatsr.data.pairing import check_one_view
from splatsr.errors import InputError
from splatsr.image_files.folder import Part
from splatsr.resize.levels import to_tensor


class ZoomPair(NamedTuple):
    """Two photographs of a scene, by their indices; `scale` is the ratio of their widths."""

    lr: int
    hr: int
    scale: float


class ZoomPairs:
    """All pairs of photographs of every scene.

    Args:
        scenes: the folders, one for each scene.
        sizes: (height, width) of their photographs, in that order.
        scale_range: pairs whose ratio lies outside are left out.

    Attributes:
        pairs: of all scenes, scene by scene.
        starts: where those of each scene begin, and at last where they end.

    Raises:
        InputError: a scene has no pair in the range, or two photographs that cannot be of one view.
    """

    def __init__(self, scenes: Sequence[Part], sizes: Sequence[tuple[int, int]], *, scale_range: tuple[float, float]) -> None:
        self.pairs: list[ZoomPair] = []
        self.starts = [0]
        first = 0
        for scene in scenes:
            indices = range(first, first + len(scene.names))
            found = [_pair(*two, sizes) for two in itertools.combinations(indices, 2)]
            self.pairs += [pair for pair in found if scale_range[0] <= pair.scale <= scale_range[1]]
            for pair in self.pairs[self.starts[-1] :]:
                lr, hr = (scene.folder / scene.names[index - first] for index in pair[:2])
                check_one_view(lr, sizes[pair.lr], hr, sizes[pair.hr])
            if len(self.pairs) == self.starts[-1]:
                raise InputError(
                    f"{scene.folder} has no two images whose widths are in a ratio of {scale_range[0]:g} to {scale_range[1]:g} "
                    "(data.scale_range); with data.scenes=true every folder holds one view at several focal lengths."
                )
            self.starts.append(len(self.pairs))
            first = indices.stop

    @property
    def scenes(self) -> int:
        """How many there are."""
        return len(self.starts) - 1

    def drawn(self, crop: CropRequest) -> int:
        """The index of one of the pairs of a scene, all alike; drawn by the crop's own seed."""
        random = np.random.default_rng([crop.seed, 2])  # 1 is what supervision draws by
        return int(random.integers(self.starts[crop.photograph], self.starts[crop.photograph + 1]))


class ZoomSampler(Sampler[BatchRequest]):
    """The requests of an epoch, with a pair of photographs in the place of each scene, and its ratio as the crop's scale.

    Args:
        scenes: draws scenes, positions and orientations; its scales are not used.
        pairs: of those scenes.
        scale_per: "crop": every crop is of its own scene and pair; "batch": all crops of a batch are of the pair of the first.
    """

    def __init__(self, scenes: BatchSampler, pairs: ZoomPairs, *, scale_per: str) -> None:
        self.scenes, self.pairs, self.scale_per = scenes, pairs, scale_per
        self.batch_size = scenes.batch_size

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose requests the next iteration yields."""
        self.scenes.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[BatchRequest]:
        for batch in self.scenes:
            drawn = [self.pairs.drawn(crop) for crop in batch.crops]
            if self.scale_per == "batch":
                drawn = drawn[:1] * len(drawn)
            scales = tuple(self.pairs.pairs[index].scale for index in drawn)
            crops = tuple(replace(crop, photograph=index) for crop, index in zip(batch.crops, drawn, strict=True))
            yield BatchRequest(scales, crops)


class ZoomDataset(Dataset[dict[str, Any]]):
    """`dataset[request]` makes a whole batch, as `CropDataset` does; the requests' photographs are pairs.

    Args:
        photographs: 8-bit RGB arrays.
        pairs: of them.
        patch: side of the LR crops in pixels; HR crops have round(patch * scale).
    """

    def __init__(self, photographs: Images, pairs: ZoomPairs, *, patch: int) -> None:
        self.photographs, self.pairs, self.patch = photographs, pairs, patch

    def __getitem__(self, request: BatchRequest) -> dict[str, Any]:
        """{"lr": (B, 3, l, l), "hr", "scale", "seeds"}, see `CropDataset`."""
        lr, hr = zip(*map(self._cut, request.crops), strict=True)
        return batch_of(request, [to_tensor(image) for image in hr]) | {"lr": torch.stack([to_tensor(image) for image in lr])}

    def _cut(self, crop: CropRequest) -> tuple[UInt8[np.ndarray, "l l 3"], UInt8[np.ndarray, "side side 3"]]:
        """(LR, HR): from whole LR pixels on, and from the HR pixel nearest to the same point (ties to even)."""
        pair = self.pairs.pairs[crop.photograph]
        low, high = self.photographs[pair.lr], self.photographs[pair.hr]
        side, hr_side = crop_sides(self.patch, pair.scale, "lr")
        top, left = place((crop.top, crop.left), (low.shape[0], low.shape[1]), side)
        return (
            oriented(low[top : top + side, left : left + side], crop),
            oriented(_padded(high, round(top * pair.scale), round(left * pair.scale), hr_side), crop),
        )


def _pair(one: int, other: int, sizes: Sequence[tuple[int, int]]) -> ZoomPair:
    """The wider is HR; of equal widths the second (published)."""
    lr, hr = (other, one) if sizes[other][1] < sizes[one][1] else (one, other)
    return ZoomPair(lr, hr, sizes[hr][1] / sizes[lr][1])


def _padded(image: UInt8[np.ndarray, "_ _ 3"], top: int, left: int, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """The square there; black beyond the image's edge, as Pillow crops."""
    part = image[top : top + side, left : left + side]
    square = np.zeros((side, side, 3), np.uint8)
    square[: part.shape[0], : part.shape[1]] = part
    return square
